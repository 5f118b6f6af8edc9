"""Errors as RFC 9457 problem details: the only place that gives an error its HTTP status."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from traceback import extract_tb
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from ...domain.errors import (
    ConflictError,
    FileTooLargeError,
    InvalidFieldError,
    NotFoundError,
    UnavailableError,
    UploadError,
)
from .request_id import request_id_of

MEDIA_TYPE: Final = "application/problem+json"

_logger = logging.getLogger(__name__)
# A lease runs for minutes in case its holder dies, but most are done in seconds.
_MAX_RETRY_AFTER: Final = 10
_AnyRequest = Request[Any, Any, Any]

_STATUS: Final[Mapping[type[UploadError], int]] = {
    InvalidFieldError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    FileTooLargeError: 413,
    UnavailableError: 503,
    UploadError: 500,
}
_CODES: Final[Mapping[int, str]] = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    422: "invalid-field",
    500: "internal-error",
}
_MISSING_FIELD: Final = re.compile(r"missing required field `(?P<name>[^`]+)`")
_MISSING_QUERY: Final = re.compile(r"Missing required query parameter '(?P<name>[^']+)'")


def from_upload_error(request: _AnyRequest, exc: UploadError) -> Response[dict[str, object]]:
    """Answer what a use case has raised."""
    status = status_of(exc)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _logger.warning("%s: %s [request %s]", exc.code, exc, request_id_of(request.scope))
    retry_after = getattr(exc, "retry_after", None)
    headers = (
        {}
        if retry_after is None
        else {"Retry-After": str(min(max(1, math.ceil(retry_after)), _MAX_RETRY_AFTER))}
    )
    return _problem(status, exc.code, str(exc), extension_members(exc), headers)


def status_of(exc: UploadError) -> int:
    """Return the HTTP status of an error."""
    return next(_STATUS[kind] for kind in type(exc).__mro__ if kind in _STATUS)


def extension_members(exc: UploadError) -> dict[str, object]:
    """Return the facts of an error under their names on the wire."""
    # RFC 9457 has the member `status` for HTTP's own.
    return {"upload_status" if name == "status" else name: exc.facts[name] for name in exc.facts}


def from_validation(_: _AnyRequest, exc: ValidationException) -> Response[dict[str, object]]:
    """Answer a request that does not fit the route: 422 naming the fields, 400 without a body."""
    errors = _field_errors(exc)
    if not errors:
        return _problem(400, _CODES[400], "The request body is not a JSON object.")
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
    return _problem(422, _CODES[422], detail, {"errors": errors})


def from_http_exception(request: _AnyRequest, exc: HTTPException) -> Response[dict[str, object]]:
    """Answer what the framework itself refuses; its 500 is a bug like any other."""
    if exc.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return from_bug(request, exc)
    code = _CODES.get(exc.status_code, "http-error")
    return _problem(exc.status_code, code, exc.detail, headers=exc.headers or {})


def from_deep_nesting(_: _AnyRequest, __: RecursionError) -> Response[dict[str, object]]:
    """Answer JSON that is nested deeper than the parser goes: nothing of ours recurses."""
    return _problem(400, _CODES[400], "The request body is nested too deeply.")


def from_bug(request: _AnyRequest, exc: Exception) -> Response[dict[str, object]]:
    """Answer what nobody expected: nothing of it to the client, where it was to the log.

    Not the message nor the trace: both can hold signed URLs and credentials.
    """
    cause: BaseException = exc
    while cause.__cause__ is not None and cause.__cause__.__traceback__ is not None:
        cause = cause.__cause__
    frame = extract_tb(cause.__traceback__)[-1]
    _logger.error(
        "%s in %s, %s:%s [request %s]",
        type(cause).__name__,
        frame.name,
        frame.filename,
        frame.lineno,
        request_id_of(request.scope),
    )
    return _problem(500, _CODES[500], "Something went wrong on our side.")


EXCEPTION_HANDLERS: Final[
    Mapping[type[Exception] | int, Callable[[_AnyRequest, Any], Response[Any]]]
] = {
    UploadError: from_upload_error,
    ValidationException: from_validation,
    HTTPException: from_http_exception,
    RecursionError: from_deep_nesting,
    Exception: from_bug,
}


def _problem(
    status: int,
    code: str,
    detail: str,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[dict[str, object]]:
    return Response(
        problem_content(status, code, detail, facts or {}),
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def problem_content(
    status: int, code: str, detail: str, members: Mapping[str, object]
) -> dict[str, object]:
    """Return the body of a problem answer; `members` are extension members."""
    title = HTTPStatus(status).phrase
    content = {"type": f"urn:multipart-upload:{code}", "title": title, "status": status}
    return {**members, **content, "detail": detail, "code": code}


def _field_errors(exc: ValidationException) -> list[dict[str, str]]:
    if found := _MISSING_QUERY.search(exc.detail):
        return [{"field": found["name"], "message": "is required"}]
    extra = exc.extra if isinstance(exc.extra, list) else []
    return [
        _field_error(_name_of(error), error["message"])
        for error in extra
        # Litestar calls the body as a whole "data"; only a missing field of it can be named.
        if error["key"] != "data" or _MISSING_FIELD.search(error["message"])
    ]


def _name_of(error: Mapping[str, str]) -> str:
    """Give a header's own name; Litestar tells that of the argument which takes it."""
    is_header = error.get("source") == "header"
    return error["key"].replace("_", "-").title() if is_header else error["key"]


def _field_error(key: str, message: str) -> dict[str, str]:
    if found := _MISSING_FIELD.search(message):
        within = "" if key == "data" else f"{key}."
        return {"field": f"{within}{found['name']}", "message": "is required"}
    return {"field": key, "message": message}
