"""Exception handlers that answer RFC 9457 problem details.

The only place that maps an error to its HTTP status.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from traceback import extract_tb
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from ....domain.errors import (
    ConflictError,
    ContentRefusedError,
    FieldError,
    FileTooLargeError,
    InvalidCredentialsError,
    InvalidFieldError,
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    RepositoryMisconfiguredError,
    StoreMisconfiguredError,
    UnauthenticatedError,
    UnavailableError,
    UploadError,
    UploadTokenExhaustedError,
    UserNotAllowedError,
)
from ..rate_limit_headers import rate_limit_headers
from ..request import RequestError
from ..request_id import request_id_of
from ..validation.parameter_rules import parameter_errors

MEDIA_TYPE: Final = "application/problem+json"

_logger = logging.getLogger(__name__)
# A lease can last for minutes after a crash, but most are released within seconds.
_MAX_RETRY_AFTER: Final = 10
_AnyRequest = Request[Any, Any, Any]

_STATUS: Final[Mapping[type[UploadError], int]] = {
    UnauthenticatedError: 401,
    UserNotAllowedError: 403,
    UploadTokenExhaustedError: 403,
    QuotaExceededError: 403,
    InvalidFieldError: 422,
    ContentRefusedError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    FileTooLargeError: 413,
    RateLimitedError: 429,
    UnavailableError: 503,
    # Not 503, which clients retry: only an operator can fix it.
    RepositoryMisconfiguredError: 500,
    StoreMisconfiguredError: 500,
    UploadError: 500,
}
_CODES: Final[Mapping[int, str]] = {
    400: "malformed-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    422: "invalid-field",
    500: "internal-error",
}
# For errors of Litestar, whose own messages are for programmers.
_MESSAGES: Final[Mapping[int, str]] = {
    400: "The request cannot be read.",
    404: "There is no such route.",
    405: "The route does not support this method; the header Allow lists those it supports.",
}


def answer_upload_error(request: _AnyRequest, exc: UploadError) -> Response[dict[str, object]]:
    """Answer an error that a use case raised."""
    status = status_of(exc)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        cause = getattr(exc, "cause", "") or exc
        _logger.warning("%s: %s [request %s]", exc.code, cause, request_id_of(request.scope))
    return _problem(status, exc.code, str(exc), extension_members(exc), _headers(exc))


def _headers(exc: UploadError) -> Mapping[str, str]:
    if isinstance(exc, UnauthenticatedError):
        return {"WWW-Authenticate": _challenge(exc)}
    if isinstance(exc, RateLimitedError):
        return {"Retry-After": str(exc.retry_after), **rate_limit_headers(exc.usages)}
    retry_after = getattr(exc, "retry_after", None)
    if retry_after is None:
        return {}
    return {"Retry-After": str(min(max(1, math.ceil(retry_after)), _MAX_RETRY_AFTER))}


def _challenge(exc: UnauthenticatedError) -> str:
    # RFC 6750 3.1: the error is named only if the request had credentials.
    error = ', error="invalid_token"' if isinstance(exc, InvalidCredentialsError) else ""
    return f'Bearer realm="multipart-upload"{error}'


def status_of(exc: UploadError) -> int:
    """Return the HTTP status of an error."""
    return next(_STATUS[kind] for kind in type(exc).__mro__ if kind in _STATUS)


def extension_members(exc: UploadError) -> dict[str, object]:
    """Return the extension members of an error under their names on the wire."""
    # In RFC 9457 the member `status` is the HTTP status.
    return {
        "upload_status" if name == "status" else name: exc.extensions[name]
        for name in exc.extensions
    }


def answer_invalid_parameters(
    request: _AnyRequest, exc: ValidationException
) -> Response[dict[str, object]]:
    """Answer 422, naming the parameters that break the rules of the route."""
    return answer_upload_error(request, InvalidFieldsError(_parameter_errors(request, exc)))


def answer_http_exception(request: _AnyRequest, exc: HTTPException) -> Response[dict[str, object]]:
    """Answer an error of Litestar, or a RequestError; a 500 of Litestar is a bug."""
    status = exc.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_bug(request, exc)
    is_own = isinstance(exc, RequestError)
    detail = exc.detail if is_own else _MESSAGES.get(status, HTTPStatus(status).phrase)
    members: dict[str, object] = {}
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        limit = request.route_handler.resolve_request_max_body_size()
        detail, members = describe_too_large(limit), {"max_size": limit}
    return _problem(status, _CODES.get(status, "http-error"), detail, members, exc.headers or {})


def describe_too_large(limit: int | None) -> str:
    """Return the message for a body over the limit of its route, in bytes."""
    return f"The request body is over the limit of {limit} bytes."


def answer_deep_nesting(_: _AnyRequest, __: RecursionError) -> Response[dict[str, object]]:
    """Answer JSON that is nested deeper than the parser allows; no other code recurses."""
    return _problem(400, _CODES[400], "The request body is nested too deeply.")


def answer_bug(request: _AnyRequest, exc: Exception) -> Response[dict[str, object]]:
    """Answer an unexpected exception without details, and log its type and location.

    The message and the trace can contain signed URLs and credentials.
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
    UploadError: answer_upload_error,
    ValidationException: answer_invalid_parameters,
    HTTPException: answer_http_exception,
    RecursionError: answer_deep_nesting,
    Exception: answer_bug,
}


def _problem(
    status: int,
    code: str,
    detail: str,
    members: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[dict[str, object]]:
    return Response(
        problem_content(status, code, detail, members or {}),
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


def _parameter_errors(request: _AnyRequest, exc: ValidationException) -> list[FieldError]:
    if found := parameter_errors(request):
        return found
    # Litestar parses some texts more strictly than the service does.
    extra = exc.extra if isinstance(exc.extra, list) else []
    names = [str(error["key"]) for error in extra if "key" in error]
    return [FieldError(name, "cannot be read") for name in names or ["request"]]
