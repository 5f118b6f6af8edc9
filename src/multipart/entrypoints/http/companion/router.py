"""The router of all routes under /s3."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from ..large_bodies import RECEIVING, LargeBodyGate
from ..request import check_request
from .errors import EXCEPTION_HANDLERS
from .multipart import MAX_COMPLETE_BYTES, MultipartController
from .single import SingleController
from .users import UserSource


def companion_router(bucket: str, users: UserSource) -> Router:
    """Create the routes for one bucket."""
    return Router(
        "/s3",
        route_handlers=[MultipartController, SingleController],
        dependencies={
            "bucket": Provide(lambda: bucket, sync_to_thread=False),
            "user_id": Provide(users.user_id, sync_to_thread=False),
        },
        exception_handlers=EXCEPTION_HANDLERS,
        before_request=check_request,
        # A complete can wait for S3 for minutes and costs little while it waits.
        middleware=[LargeBodyGate(MAX_COMPLETE_BYTES, running=RECEIVING)],
    )
