"""Translate failures of S3 calls into domain errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Final, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from ...domain.errors import (
    PartsRefusedError,
    StoreMisconfiguredError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
    UploadError,
)
from .error_codes import CREDENTIALS_MISSING, Meaning, find_code

REQUEST_SECONDS: Final = 4.0
"""Clients are promised a response within 5 s, even if S3 gives none: 1 s is for the service."""

T = TypeVar("T")
_logger = logging.getLogger(__name__)


def error_code(exc: ClientError) -> str:
    """Return S3's code of an error, or the HTTP status where the response had no body."""
    return exc.response.get("Error", {}).get("Code", "")


@asynccontextmanager
async def translate_errors(timeout_seconds: float) -> AsyncIterator[None]:
    """Raise domain errors for what S3 calls raise, and StoreUnavailableError after the timeout.

    ParamValidationError passes: a request that botocore finds malformed is a bug of the service.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except ClientError as exc:
        raise _translate(exc) from exc
    except ParamValidationError:
        raise
    except (BotoCoreError, TimeoutError) as exc:
        raise _report_unavailable(exc) from exc


async def await_answer(call: Awaitable[T]) -> T:
    """Await a call of botocore, and raise StoreUnavailableError for its built-in exceptions.

    botocore raises KeyError or ValueError for a response that it cannot read, and RuntimeError for
    credentials that were renewed and have already expired. Anywhere else these are bugs.
    """
    try:
        return await call
    except (KeyError, ValueError, RuntimeError) as exc:
        if isinstance(exc, BotoCoreError):
            raise
        raise _report_unavailable(exc) from exc


@contextmanager
def require_fields() -> Iterator[None]:
    """Raise StoreUnavailableError if a response lacks a field that S3 always sends."""
    try:
        yield
    except (KeyError, AttributeError, TypeError) as exc:
        raise _report_unavailable(exc) from exc


def _report_unavailable(exc: Exception) -> StoreUnavailableError:
    if isinstance(exc, NoCredentialsError | PartialCredentialsError):
        return StoreMisconfiguredError(*CREDENTIALS_MISSING)
    # Only the type: the text may contain a URL.
    _logger.warning("S3 did not answer: %s", type(exc).__name__)
    return StoreUnavailableError(f"no answer ({type(exc).__name__})")


def _translate(exc: ClientError) -> UploadError:
    code, operation = error_code(exc), exc.operation_name
    is_complete = operation == "CompleteMultipartUpload"
    known = find_code(code, operation)
    meaning = _infer_meaning(exc) if known is None else known.meaning
    if known is not None and known.problem is not None:
        if not is_complete:
            return StoreMisconfiguredError(*known.problem)
        # A refused complete is reported to the client: its session must not wait for the operator.
        meaning = _infer_meaning(exc)
    if meaning is Meaning.GONE:
        return StoreUploadGoneError()
    if known is not None and known.parts_refused and is_complete:
        return PartsRefusedError(code, known.parts_refused)
    _logger.warning("S3 refused %s: %s", operation, code)
    if meaning is Meaning.TRANSIENT:
        return StoreUnavailableError(f"it answers {code} to {operation}")
    if is_complete:
        return PartsRefusedError(code, f"it answers {code}.")
    return StoreRefusedError(code)


def _infer_meaning(exc: ClientError) -> Meaning:
    """Decide by the HTTP status."""
    code, status = error_code(exc), exc.response["ResponseMetadata"]["HTTPStatusCode"]
    if not code or code.isdecimal():
        # A response without S3's code may come from a proxy, unless it is for a HEAD request.
        is_lasting = exc.operation_name == "HeadObject" and status == HTTPStatus.FORBIDDEN
    else:
        # botocore gives an error in a response of status 200 the status 500.
        is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        is_lasting = is_client_error or status == HTTPStatus.MOVED_PERMANENTLY
    return Meaning.LASTING if is_lasting else Meaning.TRANSIENT
