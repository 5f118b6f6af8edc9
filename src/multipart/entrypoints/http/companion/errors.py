"""Errors as Companion's clients read them.

Uppy 5 shows `message` and reads `requestId`; Companion's own validation says `error`. Uppy 6 reads
the status alone. Statuses are those of the other routes, but for two: a wrong field is 400, as
Companion answers it, and an upload that was thrown away is 404, like one that never was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Request, Response
from litestar.openapi.datastructures import ResponseSpec

from ....domain.errors import SessionNotFoundError, TransitionError, UploadError
from ....domain.session import DISCARDED_STATES
from ..problems import handlers as problems
from ..request_id import request_id_of
from .schemas import CompanionError
from .users import UnknownUserError

_AnyRequest = Request[Any, Any, Any]
_Handler = Callable[[_AnyRequest, Any], Response[Any]]
_OF_RFC_9457: Final = frozenset({"type", "title", "status", "detail"})
_STATUS: Final[Mapping[int, int]] = {422: 400}
_DESCRIPTIONS: Final[Mapping[int, str]] = {
    400: "The request is not JSON, or a field is wrong.",
    401: "The proxy in front did not name the user (only with COMPANION_USER_HEADER).",
    404: "No such upload, or it was aborted or expired.",
    409: "The upload is in a state that does not allow this; `upload_status` says in which.",
    413: "The body is too large.",
    503: "The database or S3 is away; `Retry-After` says when to try again.",
}


def document_companion_errors(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the OpenAPI responses for the errors that a route answers."""
    return {
        status: ResponseSpec(
            data_container=CompanionError,
            description=_DESCRIPTIONS[status],
            generate_examples=False,
        )
        for status in statuses
    }


def companion_statuses(status: int) -> list[int]:
    """Return the statuses of the other routes that are this one here."""
    return [status, *(other for other, own in _STATUS.items() if own == status)]


def companion_content(problem: Mapping[str, Any], request_id: str) -> dict[str, object]:
    """Rewrite the body of a problem answer for Companion's clients."""
    members = {name: problem[name] for name in problem.keys() - _OF_RFC_9457}
    text = problem["detail"]
    return {**members, "error": text, "message": text, "requestId": request_id}


def _in_companions_words(handler: _Handler) -> _Handler:
    def handle(request: _AnyRequest, exc: Exception) -> Response[dict[str, object]]:
        problem = handler(request, exc)
        return Response(
            companion_content(problem.content, request_id_of(request.scope)),
            status_code=_STATUS.get(problem.status_code or 500, problem.status_code),
            headers={**problem.headers},
        )

    return handle


def _from_upload_error(request: _AnyRequest, exc: UploadError) -> Response[Any]:
    if isinstance(exc, TransitionError) and exc.status in DISCARDED_STATES:
        exc = SessionNotFoundError()
    return problems.from_upload_error(request, exc)


def _from_unknown_user(request: _AnyRequest, exc: UnknownUserError) -> Response[Any]:
    problem = problems.from_http_exception(request, exc)
    problem.content["code"] = "unknown-user"
    return problem


_HANDLERS: Final[Mapping[type[Exception] | int, _Handler]] = {
    **problems.EXCEPTION_HANDLERS,
    UploadError: _from_upload_error,
    UnknownUserError: _from_unknown_user,
}
EXCEPTION_HANDLERS: Final[dict[type[Exception] | int, Any]] = {
    kind: _in_companions_words(handler) for kind, handler in _HANDLERS.items()
}
