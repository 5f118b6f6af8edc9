"""The Litestar application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import Final

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig

from ...container import Container, store_origin, use_cases
from ...settings import Settings
from ..housekeeping import housekeeping
from ..web import web_page_router
from .dependencies import use_case_dependencies
from .health import HealthController
from .openapi import openapi_config
from .problems import EXCEPTION_HANDLERS
from .queries import QueryController
from .request_id import HEADER, send_request_id
from .uploads import UploadController

# The largest body of these routes is a start-upload with all its metadata, a few KiB.
MAX_BODY_BYTES: Final = 64 * 1024


def create_app(container: Container) -> Litestar:
    """Make the service; its resources open when it starts and close when it stops."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        interval = timedelta(seconds=container.settings().sweep_interval_seconds)
        async with use_cases(container) as cases, housekeeping(cases, interval):
            app.state.use_cases = cases
            yield

    return Litestar(
        route_handlers=[
            UploadController,
            QueryController,
            HealthController,
            *_web_page(container.settings()),
        ],
        lifespan=[lifespan],
        dependencies=use_case_dependencies(),
        exception_handlers={**EXCEPTION_HANDLERS},
        before_send=[send_request_id],
        cors_config=_cors(container.settings().allowed_origins),
        openapi_config=openapi_config(version("multipart-upload")),
        request_max_body_size=MAX_BODY_BYTES,
        # The command line sets logging up; an app that is imported must not.
        logging_config=None,
    )


def _web_page(settings: Settings) -> list[Router]:
    return [web_page_router(store_origin(settings))] if settings.web_page else []


def _cors(origins: list[str]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Authorization", "Idempotency-Key", HEADER],
        expose_headers=[HEADER, "Retry-After"],
    )
