"""The router of all routes under /s3."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Router
from litestar.di import Provide
from litestar.types import Middleware

from ..large_bodies import RECEIVING, LargeBodyGate
from ..request import check_request
from .errors import EXCEPTION_HANDLERS
from .multipart import MAX_COMPLETE_BYTES, MultipartController
from .single import SingleController


def companion_router(
    bucket: str, authentication: Sequence[Middleware], principal: Provide | None = None
) -> Router:
    """Create the routes for one bucket; `principal` replaces the caller of the other routes."""
    own = {} if principal is None else {"principal": principal}
    return Router(
        "/s3",
        route_handlers=[MultipartController, SingleController],
        dependencies={"bucket": Provide(lambda: bucket, sync_to_thread=False), **own},
        exception_handlers=EXCEPTION_HANDLERS,
        before_request=check_request,
        # A complete can wait for S3 for minutes and costs little while it waits.
        middleware=[*authentication, LargeBodyGate(MAX_COMPLETE_BYTES, running=RECEIVING)],
    )
