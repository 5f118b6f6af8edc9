"""One example of every error, built by the code that answers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ....domain.errors import (
    ChecksumMismatchError,
    ContentRefusedError,
    EventsUnsupportedError,
    FileTooLargeError,
    IdempotencyKeyReusedError,
    IdentityProviderUnavailableError,
    InvalidCredentialsError,
    InvalidFieldError,
    LeaseHeldError,
    PartsMissingError,
    PartsRefusedError,
    PartsUnnamedError,
    QuotaExceededError,
    RateLimitedError,
    RepositoryMisconfiguredError,
    RepositoryUnavailableError,
    SessionNotFoundError,
    SingleUploadsUnsupportedError,
    StaleSessionError,
    StoredSessionUnreadableError,
    StoreMisconfiguredError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
    TransitionError,
    UnauthenticatedError,
    UploadError,
    UploadTokenExhaustedError,
    UploadTokensUnsupportedError,
    UserNotAllowedError,
)
from ....domain.rate_limit import RateLimit, RateUsage, Unit
from ..example_values import UPLOAD_ID
from ..large_bodies import TooManyBatchesError
from ..request import MalformedBodyError, UnsupportedMediaTypeError
from .handlers import describe_too_large, extension_members, problem_content, status_of

_STARTS: Final = frozenset({"startUpload"})
_TOKEN_STARTS: Final = _STARTS | {"s3CreateMultipartUpload"}
_SIGNS: Final = frozenset({"getSignedUrl", "getSignedUrls", "s3SignPart", "s3SignParts"})
_RECORDS: Final = frozenset({"recordPart", "recordParts"})
_LARGE: Final = frozenset({"getSignedUrls", "recordParts", "s3CompleteMultipartUpload"})
_COMPLETES: Final = frozenset({"completeUpload", "s3CompleteMultipartUpload"})
_ABORTS: Final = frozenset({"abortUpload", "s3AbortMultipartUpload"})
_LIMIT: Final = RateLimit(Unit.URLS, 1000, 60)
_RATE_LIMITED: Final = RateLimitedError(_LIMIT, 12, [RateUsage(_LIMIT, 0, 12)])


@dataclass(frozen=True, slots=True)
class ProblemExample:
    """An error and the operations that answer it; None: all that document its status."""

    error: UploadError
    operations: frozenset[str] | None = None

    @property
    def status(self) -> int:
        """HTTP status of the error."""
        return status_of(self.error)

    @property
    def content(self) -> Mapping[str, object]:
        """Body of the answer."""
        error = self.error
        return problem_content(self.status, error.code, str(error), extension_members(error))


EXAMPLES: Final = (
    ProblemExample(InvalidFieldError("part_number", "must be 1 to 3")),
    ProblemExample(IdempotencyKeyReusedError(), _STARTS),
    ProblemExample(QuotaExceededError("open_bytes", 10**12), _TOKEN_STARTS),
    ProblemExample(SessionNotFoundError()),
    ProblemExample(TransitionError("sign a part of", "completed"), _SIGNS),
    ProblemExample(TransitionError("record a part of", "completed"), _RECORDS),
    ProblemExample(TransitionError("complete", "aborted"), _COMPLETES),
    ProblemExample(TransitionError("abort", "completed"), frozenset({"abortUpload"})),
    ProblemExample(LeaseHeldError("completing", 2.0), _STARTS | _SIGNS | _COMPLETES | _ABORTS),
    ProblemExample(StaleSessionError()),
    ProblemExample(PartsMissingError("in-progress", [2], [3]), _COMPLETES),
    ProblemExample(PartsUnnamedError("in-progress", [3]), frozenset({"s3CompleteMultipartUpload"})),
    ProblemExample(
        PartsRefusedError("EntityTooSmall", "Your proposed upload is too small"), _COMPLETES
    ),
    ProblemExample(StoreRefusedError("AccessDenied")),
    ProblemExample(StoreUploadGoneError(), _RECORDS | _COMPLETES),
    ProblemExample(SingleUploadsUnsupportedError(), frozenset({"s3SignSingleUpload"})),
    ProblemExample(EventsUnsupportedError(), frozenset({"listEvents"})),
    ProblemExample(UploadTokensUnsupportedError(), frozenset({"createUploadToken"})),
    ProblemExample(ChecksumMismatchError("M3eFcAZSQlc=", "AAAAAAAAAAA="), _COMPLETES),
    ProblemExample(ContentRefusedError("image/png", "text/html"), _COMPLETES),
    ProblemExample(FileTooLargeError(10**15, 10**13), _STARTS),
    ProblemExample(_RATE_LIMITED),
    ProblemExample(RepositoryUnavailableError()),
    ProblemExample(StoreUnavailableError()),
    ProblemExample(StoredSessionUnreadableError(UPLOAD_ID)),
    ProblemExample(TooManyBatchesError(), _LARGE),
    ProblemExample(RepositoryMisconfiguredError("authentication-failed", "")),
    ProblemExample(StoreMisconfiguredError("bucket-missing", "")),
)
"""Errors of the domain; `FRAMEWORK_EXAMPLES` has those that occur before a use case runs."""

AUTHENTICATION_EXAMPLES: Final = (
    ProblemExample(UnauthenticatedError()),
    ProblemExample(InvalidCredentialsError()),
    ProblemExample(UserNotAllowedError()),
    ProblemExample(UploadTokenExhaustedError(3), _TOKEN_STARTS),
    ProblemExample(IdentityProviderUnavailableError()),
)
"""Errors of every route under /api and /s3, if callers are authenticated."""

FRAMEWORK_EXAMPLES: Final[Mapping[int, Mapping[str, object]]] = {
    401: problem_content(401, "unknown-user", "The request does not name its user.", {}),
    400: problem_content(400, "malformed-request", MalformedBodyError().detail, {}),
    413: problem_content(413, "body-too-large", describe_too_large(65_536), {"max_size": 65_536}),
    415: problem_content(415, "unsupported-media-type", UnsupportedMediaTypeError().detail, {}),
}


def examples_for(operation: str, status: int) -> Iterator[Mapping[str, object]]:
    """Yield the errors that an operation answers with a status."""
    if status in FRAMEWORK_EXAMPLES:
        yield FRAMEWORK_EXAMPLES[status]
    for example in EXAMPLES:
        if example.status == status and operation in (example.operations or {operation}):
            yield example.content
