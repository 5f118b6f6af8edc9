"""What S3's errors mean in the domain's words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from ...domain.errors import (
    PartsRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
    UploadError,
)

QUICK_SECONDS: Final = 4.0
"""Clients are promised an answer within 5 s, be it that there is none; the rest is ours."""

_NO_ANSWERS: Final = (
    BotoCoreError,
    TimeoutError,
    KeyError,  # an answer without what S3 always sends
    ValueError,  # an answer with a number or a time that is none
    RuntimeError,  # botocore's for credentials that were renewed and are out of date still
)
_logger = logging.getLogger(__name__)

_GONE: Final = "the upload is gone"
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. What is not here, SlowDown
# and InternalError among it, is unavailability: only these say something about an upload.
_MEANINGS: Final[Mapping[str, str]] = {
    "NoSuchUpload": _GONE,
    # Ceph RGW says so of an upload that has ended.
    "NoSuchKey": _GONE,
    "InvalidPart": "a part is not there or has another ETag.",
    "InvalidPartOrder": "they are not in ascending order.",
    "EntityTooSmall": "a part other than the last is smaller than 5 MiB.",
    "EntityTooLarge": "together they are larger than an object may be.",
    "InvalidRequest": "their sizes or checksums are not those that were declared.",
    "MalformedXML": "there must be 1 to 10,000.",
}


def code_of(exc: ClientError) -> str:
    """Give S3's own code of an error, or the HTTP status where the answer had no body."""
    return exc.response.get("Error", {}).get("Code", "")


@asynccontextmanager
async def answered(within: float) -> AsyncIterator[None]:
    """Turn what a call to S3 raises, and no answer within so many seconds, into domain errors."""
    try:
        async with asyncio.timeout(within):
            yield
    except ClientError as exc:
        raise _meaning(exc) from exc
    except _NO_ANSWERS as exc:
        # Only the type: the text may hold a URL.
        _logger.warning("S3 did not answer: %s", type(exc).__name__)
        raise StoreUnavailableError from exc


def _meaning(exc: ClientError) -> UploadError:
    code = code_of(exc)
    meaning = _MEANINGS.get(code)
    if meaning == _GONE:
        return StoreUploadGoneError()
    # Elsewhere InvalidRequest and MalformedXML speak of the service's mistakes, not of parts.
    if meaning is not None and exc.operation_name == "CompleteMultipartUpload":
        return PartsRefusedError(code, meaning)
    _logger.warning("S3 refused %s: %s", exc.operation_name, code)
    return StoreUnavailableError()
