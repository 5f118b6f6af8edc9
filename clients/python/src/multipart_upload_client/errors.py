"""What can go wrong. No message contains a signed URL, a token or a key."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from .models import UploadReference

_TRANSIENT: Final = frozenset({408, 425, 429})
_PERMANENT_SERVER_ERRORS: Final = frozenset({501, 505, 511})
_NEED_AN_OPERATOR: Final = frozenset(
    {"repository-misconfigured", "store-misconfigured", "stored-session-unreadable"}
)
# S3 answers these with 400 or 409 although the same request may succeed later.
_TRANSIENT_STORE_CODES: Final = frozenset(
    {"RequestTimeout", "IncompleteBody", "OperationAborted", "BadDigest"}
)


class UploadError(Exception):
    """An upload failed.

    `reference` names the upload if it is still open in the service: pass it to `upload` to resume,
    or to `abort` to discard it.
    """

    is_transient: bool = False
    """Whether the same request may succeed later."""
    retry_after: float | None = None
    """Seconds to wait before the next attempt, if the server named them."""
    reference: UploadReference | None = None


class ServiceError(UploadError):
    """The service refused a request: its HTTP status, stable code and problem details."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.problem = status, code, problem or {}
        self.retry_after = retry_after
        # The service answers 409 with Retry-After while another request changes the upload.
        is_busy = status == HTTPStatus.CONFLICT and retry_after is not None
        self.is_transient = (
            is_transient_status(status) or is_busy
        ) and code not in _NEED_AN_OPERATOR


class ChecksumMismatchError(ServiceError):
    """The object did not have the bytes that were sent: the service has discarded the upload."""


class AuthenticationError(ServiceError):
    """The service does not accept the credentials, or they do not allow this."""


class ReceiptError(UploadError):
    """A receipt is not one that the service has signed."""


class TokenError(UploadError):
    """The caller's function that returns a bearer token failed."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"No bearer token: {cause}")


class StoreError(UploadError):
    """The store refused a part: its HTTP status and error code."""

    def __init__(self, status: int, code: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"The store refused a part: {status} {code}".rstrip())
        self.status, self.code = status, code
        self.retry_after = retry_after
        self.is_transient = is_transient_status(status) or code in _TRANSIENT_STORE_CODES

    @property
    def is_url_refused(self) -> bool:
        """Whether the URL may have expired, or the credentials that signed it."""
        return self.status == HTTPStatus.FORBIDDEN or self.code == "ExpiredToken"


class NoAnswerError(UploadError):
    """A server did not answer: refused, cut or timed out."""

    is_transient = True

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(f"{server} did not answer: {reason}")


class SourceChangedError(UploadError):
    """The file changed while it was uploaded, so its parts do not belong together."""

    def __init__(self) -> None:
        super().__init__("The file changed while it was uploaded.")


class UploadEndedError(UploadError):
    """Another caller has ended the upload, or it has expired."""

    def __init__(self, status: str) -> None:
        super().__init__(f"The upload is {status}.")
        self.status = status


class StreamTooLongError(UploadError):
    """The stream has more bytes than 10,000 parts of the chosen size."""


def is_transient_status(status: int) -> bool:
    """Return whether the same request may succeed later."""
    is_server_error = (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and status not in _PERMANENT_SERVER_ERRORS
    )
    return status in _TRANSIENT or is_server_error
