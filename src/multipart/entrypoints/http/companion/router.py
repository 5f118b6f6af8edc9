"""The router of all routes under /s3."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from litestar import Request, Router
from litestar.di import Provide
from litestar.types import Middleware

from ....domain.errors import UnavailableError
from ....domain.store_capabilities import StoreCapabilities
from ..large_bodies import RECEIVING, LargeBodyGate
from ..request import RequestError, check_request
from .errors import EXCEPTION_HANDLERS
from .multipart import MAX_COMPLETE_BYTES, MultipartController
from .single import SingleController


class ETagsMissingError(RequestError):
    """Uppy ends an upload with an error if the answer to a PUT has no ETag."""

    status_code = 404

    def __init__(self) -> None:
        super().__init__(
            detail="The object store answers no ETags, which Uppy requires: "
            "use the routes under /api."
        )


def companion_router(
    bucket: str,
    capabilities: Callable[[], StoreCapabilities],
    authentication: Sequence[Middleware],
    principal: Provide | None = None,
) -> Router:
    """Create the routes for one bucket; `principal` replaces the caller of the other routes.

    `capabilities` are those of the store; it raises UnavailableError until the store is open.
    """
    own = {} if principal is None else {"principal": principal}
    return Router(
        "/s3",
        route_handlers=[MultipartController, SingleController],
        dependencies={"bucket": Provide(lambda: bucket, sync_to_thread=False), **own},
        exception_handlers=EXCEPTION_HANDLERS,
        before_request=_check_with(capabilities),
        # A complete can wait for S3 for minutes and costs little while it waits.
        middleware=[*authentication, LargeBodyGate(MAX_COMPLETE_BYTES, running=RECEIVING)],
    )


def _check_with(
    capabilities: Callable[[], StoreCapabilities],
) -> Callable[[Request[Any, Any, Any]], Awaitable[None]]:
    async def check(request: Request[Any, Any, Any]) -> None:
        # Until the store is open, the routes answer that themselves.
        with suppress(UnavailableError):
            if not capabilities().answers_etag:
                raise ETagsMissingError
        await check_request(request)

    return check
