"""All routes under /s3."""

from __future__ import annotations

from litestar import Router
from litestar.di import Provide

from ..request import check_request
from .errors import EXCEPTION_HANDLERS
from .multipart import MultipartController
from .single import SingleController
from .users import UserSource


def companion_router(bucket: str, users: UserSource) -> Router:
    """Make the routes for one bucket, and for the users that `users` finds."""
    return Router(
        "/s3",
        route_handlers=[MultipartController, SingleController],
        dependencies={
            "bucket": Provide(lambda: bucket, sync_to_thread=False),
            "user_id": Provide(users.user_id, sync_to_thread=False),
        },
        exception_handlers=EXCEPTION_HANDLERS,
        before_request=check_request,
    )
