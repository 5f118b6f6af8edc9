"""What the error codes of S3 mean.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from enum import Enum, auto
from fnmatch import fnmatchcase
from typing import Final, NamedTuple


class Meaning(Enum):
    """Whether the same request may succeed later."""

    GONE = auto()
    """The store does not know the upload."""
    TRANSIENT = auto()
    """The same request may succeed later."""
    LASTING = auto()
    """The same request will be refused again."""
    MISCONFIGURED = auto()
    """Every request is refused until an operator changes a setting, the bucket or a permission."""


class Problem(NamedTuple):
    """What an operator has to change."""

    reason: str
    cause: str


CREDENTIALS_MISSING: Final = Problem(
    "credentials-missing",
    "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role",
)
_CREDENTIALS_REFUSED: Final = Problem(
    "credentials-refused",
    "the credentials are refused; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
)
_ACCESS_DENIED: Final = Problem(
    "access-denied", "the credentials are refused, or may not list the bucket"
)
_BUCKET_MISSING: Final = Problem(
    "bucket-missing", "the bucket does not exist; make it, or name another in S3_BUCKET_NAME"
)
_WRONG_REGION: Final = Problem(
    "wrong-region", "the bucket is in another region; set AWS_REGION to it"
)


class ErrorCode(NamedTuple):
    """A row of the table."""

    pattern: str
    """The code, in which * stands for any characters."""
    meaning: Meaning
    parts_refused: str = ""
    """Why CompleteMultipartUpload refuses the parts with this code."""
    problem: Problem | None = None


# The first match counts. Without one, the HTTP status decides: 4xx and 301 are lasting, others
# transient. A complete may return an error with status 200: then only the table shows that it is
# lasting.
_TABLE: Final = (
    ErrorCode("NoSuchUpload", Meaning.GONE),
    ErrorCode("NoSuchKey", Meaning.GONE),  # Ceph RGW, for an upload that has ended
    ErrorCode("InvalidPart", Meaning.LASTING, "a part is not there or has another ETag."),
    ErrorCode("InvalidPartOrder", Meaning.LASTING, "they are not in ascending order."),
    ErrorCode(
        "EntityTooSmall", Meaning.LASTING, "a part other than the last is smaller than 5 MiB."
    ),
    ErrorCode("EntityTooLarge", Meaning.LASTING, "together they are larger than an object may be."),
    ErrorCode(
        "InvalidRequest",
        Meaning.LASTING,
        "their sizes or checksums are not those that were declared.",
    ),
    ErrorCode("MalformedXML", Meaning.LASTING, "there must be 1 to 10,000."),
    ErrorCode("*Throttl*", Meaning.TRANSIENT),
    ErrorCode("BandwidthLimitExceeded", Meaning.TRANSIENT),
    ErrorCode("ConditionalRequestConflict", Meaning.TRANSIENT),
    ErrorCode("ExpiredToken", Meaning.TRANSIENT),  # the session renews its credentials
    ErrorCode("OperationAborted", Meaning.TRANSIENT),
    ErrorCode("PriorRequestNotComplete", Meaning.TRANSIENT),
    ErrorCode("RequestLimitExceeded", Meaning.TRANSIENT),
    ErrorCode("RequestTimeTooSkewed", Meaning.TRANSIENT),
    ErrorCode("RequestTimeout", Meaning.TRANSIENT),
    ErrorCode("SlowDown", Meaning.TRANSIENT),
    ErrorCode("TemporaryRedirect", Meaning.TRANSIENT),
    ErrorCode("TokenRefreshRequired", Meaning.TRANSIENT),
    ErrorCode("TooManyRequests", Meaning.TRANSIENT),
    ErrorCode("AccessDenied*", Meaning.LASTING),
    ErrorCode("AllAccessDisabled*", Meaning.LASTING),
    ErrorCode("KMS.*", Meaning.LASTING),
    ErrorCode("Metadata*", Meaning.LASTING),
    ErrorCode("AuthorizationHeaderMalformed", Meaning.MISCONFIGURED, problem=_WRONG_REGION),
    ErrorCode("InvalidAccessKeyId", Meaning.MISCONFIGURED, problem=_CREDENTIALS_REFUSED),
    ErrorCode("NoSuchBucket", Meaning.MISCONFIGURED, problem=_BUCKET_MISSING),
    ErrorCode("PermanentRedirect", Meaning.MISCONFIGURED, problem=_WRONG_REGION),
    ErrorCode("SignatureDoesNotMatch", Meaning.MISCONFIGURED, problem=_CREDENTIALS_REFUSED),
)
# A response to HEAD has no body with S3's code: botocore gives the HTTP status instead.
_HEAD_BUCKET: Final = (
    ErrorCode("301", Meaning.MISCONFIGURED, problem=_WRONG_REGION),
    ErrorCode("403", Meaning.MISCONFIGURED, problem=_ACCESS_DENIED),
    ErrorCode("404", Meaning.MISCONFIGURED, problem=_BUCKET_MISSING),
)


def find_code(code: str, operation: str) -> ErrorCode | None:
    """Return the row for a code; None if the HTTP status decides."""
    rows = (*_TABLE, *_HEAD_BUCKET) if operation == "HeadBucket" else _TABLE
    return next((row for row in rows if fnmatchcase(code, row.pattern)), None)
