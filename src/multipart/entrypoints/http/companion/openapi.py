"""What Companion's routes tell the OpenAPI document about their errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litestar.openapi.datastructures import ResponseSpec

from .schemas import CompanionError

_DESCRIPTIONS: Final[Mapping[int, str]] = {
    400: "The request is not JSON, or a field is wrong.",
    401: "The proxy in front did not name the user (only with COMPANION_USER_HEADER).",
    404: "No such upload, or it was aborted or expired.",
    409: "The upload is in a state that does not allow this; `upload_status` says in which.",
    413: "The body is too large.",
    503: "The database or S3 is away; `Retry-After` says when to try again.",
}


def companion_errors(*statuses: int) -> dict[int, ResponseSpec]:
    """Document the errors that a route answers."""
    return {
        status: ResponseSpec(
            data_container=CompanionError,
            description=_DESCRIPTIONS[status],
            generate_examples=False,
        )
        for status in statuses
    }
