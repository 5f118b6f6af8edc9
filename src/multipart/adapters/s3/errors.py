"""What S3's errors mean in the domain's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from ...domain.errors import (
    PartsRefusedError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
    UploadError,
)
from .misconfiguration import misconfiguration_in

QUICK_SECONDS: Final = 4.0
"""Clients are promised an answer within 5 s, be it that there is none; the rest is ours."""

T = TypeVar("T")
_logger = logging.getLogger(__name__)

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
# Ceph RGW says NoSuchKey of an upload that has ended.
_GONE: Final = frozenset({"NoSuchUpload", "NoSuchKey"})
_REFUSED_PARTS: Final[Mapping[str, str]] = {
    "InvalidPart": "a part is not there or has another ETag.",
    "InvalidPartOrder": "they are not in ascending order.",
    "EntityTooSmall": "a part other than the last is smaller than 5 MiB.",
    "EntityTooLarge": "together they are larger than an object may be.",
    "InvalidRequest": "their sizes or checksums are not those that were declared.",
    "MalformedXML": "there must be 1 to 10,000.",
}


_TRANSIENT: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",
        "ExpiredToken",  # credentials that are renewed by themselves
        "OperationAborted",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "SlowDown",
        "TemporaryRedirect",
        "TokenRefreshRequired",
        "TooManyRequests",
    }
)
"""Codes with a 4xx status that a later try may not meet. Any code with Throttl is another."""
_LASTING: Final = ("AccessDenied", "AllAccessDisabled", "InvalidRequest", "KMS.", "Metadata")
"""Beginnings of codes that last, though a complete sends them in an answer of status 200."""


def code_of(exc: ClientError) -> str:
    """Give S3's own code of an error, or the HTTP status where the answer had no body."""
    return exc.response.get("Error", {}).get("Code", "")


@asynccontextmanager
async def answered(within: float) -> AsyncIterator[None]:
    """Turn what a call to S3 raises, and no answer within so many seconds, into domain errors.

    A request that botocore finds malformed is a mistake of the service, and raised as it is.
    """
    try:
        async with asyncio.timeout(within):
            yield
    except ClientError as exc:
        raise misconfiguration_in(exc) or _meaning(exc) from exc
    except ParamValidationError:
        raise
    except (BotoCoreError, TimeoutError) as exc:
        raise _no_answer(exc) from exc


async def ask(call: Awaitable[T]) -> T:
    """Wait for botocore's answer.

    It raises ValueError for a number or a time in it that is none, and RuntimeError for
    credentials that were renewed and have expired already. Only of botocore these mean that S3
    did not answer.
    """
    try:
        return await call
    except (KeyError, ValueError, RuntimeError) as exc:
        if isinstance(exc, BotoCoreError):
            raise
        raise _no_answer(exc) from exc


@contextmanager
def reading() -> Iterator[None]:
    """Turn an answer without what S3 always sends into unavailability."""
    try:
        yield
    except (KeyError, AttributeError, TypeError) as exc:
        raise _no_answer(exc) from exc


def _no_answer(exc: Exception) -> StoreUnavailableError:
    if (misconfigured := misconfiguration_in(exc)) is not None:
        return misconfigured
    # Only the type: the text may hold a URL.
    _logger.warning("S3 did not answer: %s", type(exc).__name__)
    return StoreUnavailableError(f"no answer ({type(exc).__name__})")


def _meaning(exc: ClientError) -> UploadError:
    code, operation = code_of(exc), exc.operation_name
    if code in _GONE:
        return StoreUploadGoneError()
    is_complete = operation == "CompleteMultipartUpload"
    if is_complete and code in _REFUSED_PARTS:
        return PartsRefusedError(code, _REFUSED_PARTS[code])
    _logger.warning("S3 refused %s: %s", operation, code)
    if not _is_lasting(exc):
        return StoreUnavailableError(f"it answers {code} to {operation}")
    return (
        PartsRefusedError(code, f"it answers {code}.") if is_complete else StoreRefusedError(code)
    )


def _is_lasting(exc: ClientError) -> bool:
    """Tell whether the same request will be refused again."""
    code, status = code_of(exc), exc.response["ResponseMetadata"]["HTTPStatusCode"]
    if not code or code.isdecimal():
        # Without S3's own code it may be the word of a proxy. Only answers to HEAD never have one.
        return exc.operation_name == "HeadObject" and status == HTTPStatus.FORBIDDEN
    if code in _TRANSIENT or "Throttl" in code:
        return False
    is_client_side = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    # botocore gives an error within a 200 the status 500.
    return is_client_side or status == HTTPStatus.MOVED_PERMANENTLY or code.startswith(_LASTING)
