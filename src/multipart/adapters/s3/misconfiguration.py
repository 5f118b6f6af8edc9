"""What S3 refuses until an operator changes a setting, the bucket or its permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

from ...domain.errors import StoreMisconfiguredError

_BUCKET_MISSING: Final = (
    "bucket-missing",
    "the bucket does not exist; make it, or name another in S3_BUCKET_NAME",
)
_CREDENTIALS_REFUSED: Final = (
    "credentials-refused",
    "the credentials are refused; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
)
_WRONG_REGION: Final = ("wrong-region", "the bucket is in another region; set AWS_REGION to it")
_CREDENTIALS_MISSING: Final = (
    "credentials-missing",
    "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role",
)
_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "NoSuchBucket": _BUCKET_MISSING,
    "InvalidAccessKeyId": _CREDENTIALS_REFUSED,
    "SignatureDoesNotMatch": _CREDENTIALS_REFUSED,
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "PermanentRedirect": _WRONG_REGION,
}
# An answer to HEAD has no body to hold S3's code: botocore gives the status instead.
_STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    "301": _WRONG_REGION,
    "403": ("access-denied", "the credentials are refused, or may not list the bucket"),
    "404": _BUCKET_MISSING,
}


def misconfiguration_in(exc: Exception) -> StoreMisconfiguredError | None:
    """Return the error of the port for an exception that only an operator can prevent."""
    if isinstance(exc, NoCredentialsError | PartialCredentialsError):
        return StoreMisconfiguredError(*_CREDENTIALS_MISSING)
    # What S3 refuses to complete is refused to the client: the session must not wait for a repair.
    if not isinstance(exc, ClientError) or exc.operation_name == "CompleteMultipartUpload":
        return None
    code = exc.response.get("Error", {}).get("Code", "")
    known = _CODES.get(code)
    if known is None and exc.operation_name == "HeadBucket":
        known = _STATUSES.get(code)
    return None if known is None else StoreMisconfiguredError(*known)
