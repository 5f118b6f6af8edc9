"""OpenAPI responses for the errors of a route."""

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
        404: "No session matches id, key and user, or it has no parts.",
        409: "The state of the session does not allow this; `upload_status` names the state.",
        403: "The user has too much: see quotas.",
        413: "The file or the body is too large.",
        415: "The header Content-Type is not `application/json`.",
        422: "A field is wrong; `errors` names it.",
        429: "A rate limit is reached; repeat the request after `Retry-After`.",
        500: "The service is misconfigured, as `reason` says, or has a bug.",
        503: "The database or S3 is unavailable or the service busy; retry after `Retry-After`.",
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
    """An operation without the 400 that Litestar adds: here wrong fields are 422."""

    def __post_init__(self) -> None:
        """Remove the 400, unless it is a problem of the service."""
        response_400 = (self.responses or {}).get("400")
        if isinstance(response_400, OpenAPIResponse) and MediaType.JSON in (
            response_400.content or {}
        ):
            self.responses = {
                status: response
                for status, response in (self.responses or {}).items()
                if status != "400"
            }


@dataclass
class OperationWithoutSuccess(Operation):
    """An operation that always answers an error."""

    def __post_init__(self) -> None:
        """Remove the 200 that Litestar adds."""
        self.responses = {
            status: response
            for status, response in (self.responses or {}).items()
            if status != "200"
        }
