"""Errors in the form that Companion's clients read.

Uppy 5 shows `message` and reads `requestId`; Companion's own validation sends `error`. Uppy 6 reads
only the status. Statuses are those of the other routes, with two exceptions: a wrong field is 400,
as in Companion, and a discarded upload is 404, like an unknown one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Request, Response
from litestar.openapi.datastructures import ResponseSpec

from ....domain.errors import SessionNotFoundError, TransitionError, UploadError
from ....domain.session import DISCARDED_STATES
from ..problems.handlers import EXCEPTION_HANDLERS as PROBLEM_HANDLERS
from ..problems.handlers import answer_http_exception, answer_upload_error
from ..request_id import request_id_of
from .schemas import CompanionError
from .users import UnknownUserError

_AnyRequest = Request[Any, Any, Any]
_Handler = Callable[[_AnyRequest, Any], Response[Any]]
_RFC_9457_MEMBERS: Final = frozenset({"type", "title", "status", "detail"})
_STATUS: Final[Mapping[int, int]] = {422: 400}
_DESCRIPTIONS: Final[Mapping[int, str]] = {
    400: "The request is not JSON, or a field is wrong.",
    401: "The proxy did not name the user (only with COMPANION_USER_HEADER).",
    404: "The upload does not exist, was aborted or has expired.",
    409: "The state of the upload does not allow this; `upload_status` names the state.",
    403: "The user has too much: see quotas.",
    413: "The body, or the file, is too large.",
    429: "A rate limit is reached; repeat the request after `Retry-After`.",
    500: "A bug, or a setting or right that an operator must correct; repeating does not help.",
    503: "The database or S3 is unavailable; retry after `Retry-After`.",
}


def document_companion_errors(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the OpenAPI responses for the errors that a route answers, and for a bug (500)."""
    return {
        status: ResponseSpec(
            data_container=CompanionError,
            description=_DESCRIPTIONS[status],
            generate_examples=False,
        )
        for status in (*statuses, 500)
    }


def problem_statuses(status: int) -> list[int]:
    """Return the statuses of the other routes that correspond to this status of Companion's."""
    return [status, *(other for other, own in _STATUS.items() if own == status)]


def rewrite_problem(problem: Mapping[str, Any], request_id: str) -> dict[str, object]:
    """Rewrite the body of a problem answer for Companion's clients."""
    members = {name: problem[name] for name in problem.keys() - _RFC_9457_MEMBERS}
    text = problem["detail"]
    return {**members, "error": text, "message": text, "requestId": request_id}


def _rewrite_answers(handler: _Handler) -> _Handler:
    def handle(request: _AnyRequest, exc: Exception) -> Response[dict[str, object]]:
        problem = handler(request, exc)
        return Response(
            rewrite_problem(problem.content, request_id_of(request.scope)),
            status_code=_STATUS.get(problem.status_code or 500, problem.status_code),
            headers={**problem.headers},
        )

    return handle


def _answer_upload_error(request: _AnyRequest, exc: UploadError) -> Response[Any]:
    if isinstance(exc, TransitionError) and exc.status in DISCARDED_STATES:
        exc = SessionNotFoundError()
    return answer_upload_error(request, exc)


def _answer_unknown_user(request: _AnyRequest, exc: UnknownUserError) -> Response[Any]:
    problem = answer_http_exception(request, exc)
    problem.content["code"] = "unknown-user"
    return problem


_HANDLERS: Final[Mapping[type[Exception] | int, _Handler]] = {
    **PROBLEM_HANDLERS,
    UploadError: _answer_upload_error,
    UnknownUserError: _answer_unknown_user,
}
EXCEPTION_HANDLERS: Final[dict[type[Exception] | int, Any]] = {
    kind: _rewrite_answers(handler) for kind, handler in _HANDLERS.items()
}
