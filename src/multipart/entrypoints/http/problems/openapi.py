"""What a route tells the OpenAPI document about its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from litestar import MediaType
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIResponse, Operation

from .handlers import MEDIA_TYPE
from .schemas import Problem

_PROBLEMS: Final[Mapping[int, ResponseSpec]] = {
    status: ResponseSpec(
        data_container=Problem,
        description=description,
        media_type=MEDIA_TYPE,
        generate_examples=False,
    )
    for status, description in {
        400: "The body is not JSON.",
        404: "No such session: id, key and user do not belong together, or no part is anywhere.",
        409: "The session is in a state that does not allow this; `upload_status` says in which.",
        413: "The file or the body is too large.",
        415: "The body is not sent as `Content-Type: application/json`.",
        422: "A field is wrong; `errors` names it.",
        500: "The database or S3 refuses the service: `reason` says why; or the service has a bug.",
        503: "MongoDB or S3 is away, or the service is busy; `Retry-After` says when to try again.",
    }.items()
}


def document_problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the OpenAPI responses for the errors that a route answers.

    A dependency that can be unavailable (503) can also be misconfigured (500).
    """
    misconfigured = (500,) if HTTPStatus.SERVICE_UNAVAILABLE in statuses else ()
    return {status: _PROBLEMS[status] for status in (*statuses, *misconfigured)}


@dataclass
class OperationWithoutDefault400(Operation):
    """A route without the 400 that Litestar documents by itself: here wrong fields are 422."""

    def __post_init__(self) -> None:
        """Leave out what is not a problem of ours."""
        found = (self.responses or {}).get("400")
        if isinstance(found, OpenAPIResponse) and MediaType.JSON in (found.content or {}):
            self.responses = {
                status: response
                for status, response in (self.responses or {}).items()
                if status != "400"
            }


@dataclass
class OperationWithoutSuccess(Operation):
    """A route that has no success to document."""

    def __post_init__(self) -> None:
        """Leave out the success that Litestar documents of every route."""
        self.responses = {
            status: response
            for status, response in (self.responses or {}).items()
            if status != "200"
        }
