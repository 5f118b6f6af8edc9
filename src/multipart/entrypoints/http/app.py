"""The Litestar application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from litestar import Litestar, Router, asgi
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.handlers import ASGIRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import Receive, Scope, Send

from ...application.authenticate import Authenticate
from ...container import Container
from ...settings import Settings
from ...stores import choose_store
from ..startup import OpenUseCases
from .api.batches import MAX_BATCH_BYTES, BatchController
from .api.events import EventController
from .api.queries import QueryController
from .api.tokens import TokenController
from .api.uploads import UploadController
from .auth.credentials import API_KEY_HEADER
from .auth.middleware import Authentication
from .auth.proxy_header import ProxyHeader
from .companion.router import companion_router
from .companion.users import UserSource
from .dependencies import provide, provide_use_cases
from .docs import openapi_config
from .health import HealthController
from .large_bodies import LargeBodyGate
from .metrics import count_requests, metrics_router
from .principal import provide_principal
from .problems.handlers import EXCEPTION_HANDLERS
from .rate_limit_headers import POLICY, REMAINING, add_rate_limit_headers
from .rate_limits import provide_metered_use_cases
from .request import ServiceRequest, check_api_request
from .request_id import HEADER
from .response_headers import add_headers
from .responses import Turns
from .web import web_page_router
from .well_known import WellKnownController

if TYPE_CHECKING:
    from ...metrics.collected import Metrics

# The largest body is start-upload with all its metadata, a few KiB; batches have their own limit.
MAX_BODY_BYTES: Final = 64 * 1024
_REQUEST_HEADERS: Final = (
    "Content-Type",
    "Authorization",
    "Idempotency-Key",
    API_KEY_HEADER,
    HEADER,
)


def create_app(container: Container) -> Litestar:
    """Create the application; its resources open when it starts and close when it stops."""
    opened, settings = OpenUseCases(), container.settings()
    limits, metrics = settings.rate_limits, container.metrics()
    authentication = _authentication(settings, opened)
    principal = provide_principal(is_authenticated=bool(authentication))

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        interval = timedelta(seconds=settings.sweep_interval_seconds)
        async with opened.keep_open(container, interval):
            yield

    return Litestar(
        route_handlers=[
            _api(authentication),
            HealthController,
            WellKnownController,
            _companion(settings, authentication, opened),
            *_web_page(settings),
            *_store_server(settings, opened),
            *_metrics(settings, metrics, authentication),
        ],
        lifespan=[lifespan],
        dependencies={
            **provide_use_cases(opened),
            **provide_metered_use_cases(limits, opened),
            "turns": provide(Turns()),
            "principal": principal,
        },
        exception_handlers={**EXCEPTION_HANDLERS},
        before_send=[
            add_headers,
            *([add_rate_limit_headers] if limits else []),
            *([count_requests(metrics)] if metrics else []),
        ],
        request_class=ServiceRequest,
        cors_config=_cors(settings),
        openapi_config=_openapi(settings),
        request_max_body_size=MAX_BODY_BYTES,
        # The command line configures logging; an imported application must not.
        logging_config=None,
    )


def _authentication(settings: Settings, opened: OpenUseCases) -> list[Authentication]:
    """Create the middleware that AUTH demands, if any."""
    if not settings.auth_methods:
        return []

    def find_use_case() -> Authenticate:
        return opened.get().get(Authenticate)

    networks = [ip_network(network) for network in settings.trusted_networks]
    proxy = ProxyHeader(settings.companion_user_header or settings.auth_user_header, networks)
    return [
        Authentication(
            None if settings.auth_methods == ["header"] else find_use_case,
            proxy if "header" in settings.auth_methods else None,
        )
    ]


def _api(authentication: Sequence[Authentication]) -> Router:
    return Router(
        "/",
        route_handlers=[
            UploadController,
            Router(
                "/", route_handlers=[BatchController], middleware=[LargeBodyGate(MAX_BATCH_BYTES)]
            ),
            QueryController,
            EventController,
            TokenController,
        ],
        before_request=check_api_request,
        middleware=authentication,
    )


def _openapi(settings: Settings) -> OpenAPIConfig | None:
    if not settings.api_docs:
        return None
    return openapi_config(
        version("multipart-upload"),
        choose_store(settings).max_part_count,
        settings.auth_methods,
    )


def _companion(
    settings: Settings, authentication: Sequence[Authentication], opened: OpenUseCases
) -> Router:
    users = UserSource(settings.companion_user_id, settings.companion_user_header)
    # Companion's protocol names no user.
    principal = None if authentication else Provide(users.principal, sync_to_thread=False)
    return companion_router(
        choose_store(settings).bucket,
        lambda: opened.get().store.capabilities,
        authentication,
        principal,
    )


def _web_page(settings: Settings) -> list[Router]:
    return [web_page_router()] if settings.web_page else []


def _store_server(settings: Settings, opened: OpenUseCases) -> list[ASGIRouteHandler]:
    """Mount the store's own routes, if the service itself takes the bytes."""
    serve = choose_store(settings).serve
    if serve is None:
        return []

    @asgi("/objects", is_mount=True, copy_scope=True)
    async def objects(scope: Scope, receive: Receive, send: Send) -> None:
        await serve(opened.get().store)(scope, receive, send)

    return [objects]


def _metrics(
    settings: Settings, metrics: Metrics | None, authentication: Sequence[Authentication]
) -> list[Router]:
    if metrics is None or settings.metrics_port is not None:
        return []
    return [metrics_router(metrics, authentication)]


def _cors(settings: Settings) -> CORSConfig | None:
    if not settings.allowed_origins:
        return None
    return CORSConfig(
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=[*_REQUEST_HEADERS, *settings.allowed_headers],
        allow_credentials=settings.cors_allow_credentials,
        expose_headers=[HEADER, "ETag", "Location", "Retry-After", POLICY, REMAINING],
    )
