"""The errors that use cases raise.

Each has a stable `code` for machines, a sentence for people, and in `extensions` the members for a
problem detail (RFC 9457), which are safe to show to a client.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final, NamedTuple

from .rate_limit import RateLimit, RateUsage, Unit

MAX_FIELD_ERRORS: Final = 100
"""Most wrong fields that one error names; a batch of 10,000 parts can have more."""
_MAX_IN_SENTENCE: Final = 10
_UNIT_NAMES: Final = {Unit.STARTS: "started uploads", Unit.URLS: "signed URLs"}


class FieldError(NamedTuple):
    """One wrong field, by its path in the request, and the rule that it breaks."""

    field: str
    message: str


class UploadError(Exception):
    """The base of all errors that use cases raise deliberately."""

    code: ClassVar[str] = "upload-error"

    def __init__(self, sentence: str, **extensions: object) -> None:
        super().__init__(sentence)
        self.extensions = extensions


class NotFoundError(UploadError):
    """The thing does not exist."""


class SessionNotFoundError(NotFoundError):
    """No such session, or another user's, or without any part; clients cannot distinguish them."""

    code = "upload-not-found"

    def __init__(self) -> None:
        super().__init__("Upload session not found or no parts uploaded")


class InvalidFieldError(UploadError):
    """A field's value breaks a rule of the domain."""

    code = "invalid-field"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}", errors=[{"field": field, "message": rule}])
        self.wrong: Sequence[FieldError] = [FieldError(field, rule)]


class InvalidFieldsError(InvalidFieldError):
    """Several fields break rules; all are named, up to MAX_FIELD_ERRORS."""

    def __init__(self, wrong: Sequence[FieldError]) -> None:
        sentences = [f"{field}: {rule}" for field, rule in wrong[:_MAX_IN_SENTENCE]]
        if len(wrong) > _MAX_IN_SENTENCE:
            sentences.append("and more")
        named = [error._asdict() for error in wrong[:MAX_FIELD_ERRORS]]
        UploadError.__init__(self, "; ".join(sentences), errors=named)
        self.wrong = wrong


class IdempotencyKeyReusedError(InvalidFieldError):
    """The idempotency key was used before, with a different request."""

    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__(
            "Idempotency-Key", "was used for another upload; a new upload needs a new key"
        )


class UnauthenticatedError(UploadError):
    """The request has no credentials."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("The request has no credentials.")


class InvalidCredentialsError(UnauthenticatedError):
    """The credentials of the request are not valid; the answer does not say why."""

    code = "invalid-credentials"

    def __init__(self) -> None:
        UploadError.__init__(self, "The credentials are not valid.")


class UserNotAllowedError(UploadError):
    """The caller may not act for this user."""

    code = "user-not-allowed"

    def __init__(self) -> None:
        super().__init__("The caller may not act for this user.")


class UploadTokenExhaustedError(UploadError):
    """As many uploads as the token allows were started with it."""

    code = "upload-token-exhausted"

    def __init__(self, max_uploads: int) -> None:
        super().__init__(
            f"The upload token allows {max_uploads} uploads, which were started.",
            max_uploads=max_uploads,
        )


class QuotaExceededError(UploadError):
    """The upload does not fit into what its user may have.

    `quota` is `open_uploads`, `open_bytes` or `period_bytes`, the bytes until `resets_at`.
    """

    code = "quota-exceeded"

    def __init__(self, quota: str, limit: int, resets_at: datetime | None = None) -> None:
        reset = {} if resets_at is None else {"resets_at": resets_at}
        super().__init__(
            f"The upload exceeds the user's quota: {quota} is at most {limit}.",
            quota=quota,
            limit=limit,
            **reset,
        )


class FileTooLargeError(UploadError):
    """The declared size is over the limit."""

    code = "file-too-large"

    def __init__(self, size: int, max_size: int) -> None:
        super().__init__(
            f"size: {size} bytes is over the limit of {max_size} bytes", max_size=max_size
        )
        self.size = size


class ContentRefusedError(UploadError):
    """The bytes of the finished object are not of the declared type; the object is removed."""

    code = "content-type-mismatch"

    def __init__(self, declared_type: str, detected_type: str) -> None:
        super().__init__(
            f"The file was declared as {declared_type or 'application/octet-stream'}, but its "
            f"bytes are {detected_type}: it was removed.",
            declared_type=declared_type,
            detected_type=detected_type,
        )


class RateLimitedError(UploadError):
    """The caller has used a rate limit up; after `retry_after` seconds it has enough again."""

    code = "rate-limited"

    def __init__(self, limit: RateLimit, retry_after: int, usages: Sequence[RateUsage]) -> None:
        super().__init__(
            f"The limit of {limit.amount} {_UNIT_NAMES[limit.unit]} in {limit.seconds} seconds is "
            "reached."
        )
        self.retry_after, self.usages = retry_after, usages


class ConflictError(UploadError):
    """The request does not fit the state of the session or the store."""


class ChecksumMismatchError(ConflictError):
    """The finished object does not have the checksum that the client declared."""

    code = "checksum-mismatch"

    def __init__(self, declared: str, found: str) -> None:
        super().__init__(
            f"The file was declared with CRC-64/NVME {declared}, but the object has {found}.",
            declared_checksum=declared,
            object_checksum=found,
        )


class TransitionError(ConflictError):
    """The state machine has no such transition."""

    code = "wrong-state"

    def __init__(self, action: str, status: str, reason: str | None = None) -> None:
        extensions = {} if reason is None else {"reason": reason}
        super().__init__(
            f"Cannot {action} an upload that is {status}.", status=status, **extensions
        )
        self.action, self.status = action, status


class LeaseHeldError(ConflictError):
    """Another caller is opening, completing or aborting the session."""

    code = "operation-in-progress"

    def __init__(self, status: str, retry_after: float) -> None:
        super().__init__(
            f"Another request is at work on the upload, which is {status}.", status=status
        )
        self.retry_after = retry_after


class StaleSessionError(ConflictError):
    """Another caller has changed the session since it was read."""

    code = "concurrent-change"

    def __init__(self) -> None:
        super().__init__("The upload was changed by another request at the same time.")
        self.retry_after = 1.0


class PartsMissingError(ConflictError):
    """Parts of the file are not in the object store, or not as they were reported."""

    code = "parts-missing"

    def __init__(
        self, status: str, missing_parts: Sequence[int], mismatched_parts: Sequence[int]
    ) -> None:
        problems = [
            f"{_numbers(numbers)} {verb}"
            for numbers, verb in (
                (missing_parts, "not uploaded"),
                (mismatched_parts, "not stored as reported or planned"),
            )
            if numbers
        ]
        super().__init__(
            f"The upload cannot be completed: {'; '.join(problems)}.",
            status=status,
            missing_parts=list(missing_parts),
            mismatched_parts=list(mismatched_parts),
        )


class PartsUnnamedError(ConflictError):
    """The object store holds parts that the client's list does not name."""

    code = "parts-unnamed"

    def __init__(self, status: str, unnamed_parts: Sequence[int]) -> None:
        super().__init__(
            "The upload cannot be completed without "
            f"{_numbers(unnamed_parts)}, which the object store holds and the list does not name.",
            status=status,
            unnamed_parts=list(unnamed_parts),
        )


class PartsRefusedError(ConflictError):
    """The object store refused to complete the upload; its parts are kept."""

    code = "parts-refused"

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(f"The object store refused the parts: {sentence}", reason=reason)


class StoreRefusedError(ConflictError):
    """The object store refused a request; repeating it gives the same answer."""

    code = "store-refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The object store refused the request: {reason}.", reason=reason)


class SingleUploadsUnsupportedError(ConflictError):
    """The object store has no forms with which a client sends a whole file."""

    code = "single-uploads-unsupported"

    def __init__(self, reason: str = "The object store accepts files in parts only.") -> None:
        super().__init__(reason)


class UploadTokensUnsupportedError(ConflictError):
    """The service has no secret with which it could sign upload tokens."""

    code = "upload-tokens-unsupported"

    def __init__(self) -> None:
        super().__init__("This service does not sign upload tokens.")


class EventsUnsupportedError(ConflictError):
    """The session repository stores no events."""

    code = "events-unsupported"

    def __init__(self) -> None:
        super().__init__("This service stores no events.")


class StoreUploadGoneError(ConflictError):
    """The object store no longer has the upload, nor a finished object."""

    code = "store-upload-gone"

    def __init__(self) -> None:
        super().__init__(
            "The object store no longer holds the parts of this upload. Sign and send them again."
        )


class StoredSessionUnreadableError(UploadError):
    """The stored session has fields that are missing or have wrong values; a retry cannot help."""

    code = "stored-session-unreadable"

    def __init__(self, upload_id: str) -> None:
        super().__init__(f"The stored session of upload {upload_id} cannot be read.")
        self.upload_id = upload_id


class UnavailableError(UploadError):
    """A dependency of the service does not answer; a retry may succeed.

    `cause` is for the operator's log. It contains no secrets, but clients do not see it.
    """

    retry_after: float | None = 2.0
    cause: str = ""


class RepositoryUnavailableError(UnavailableError):
    """The session repository does not answer."""

    code = "repository-unavailable"

    def __init__(self, cause: str = "") -> None:
        super().__init__("The session repository is not available.")
        self.cause = cause


class RepositoryMisconfiguredError(RepositoryUnavailableError):
    """The session repository refuses the service until an operator changes something."""

    code = "repository-misconfigured"
    retry_after = None

    def __init__(self, reason: str, cause: str) -> None:
        UploadError.__init__(
            self, f"The session repository is misconfigured: {reason}.", reason=reason
        )
        self.cause = cause


class IdentityProviderUnavailableError(UnavailableError):
    """The public keys of the identity provider cannot be read."""

    code = "identity-provider-unavailable"

    def __init__(self) -> None:
        super().__init__("The keys of the identity provider are not available.")


class StoreUnavailableError(UnavailableError):
    """The object store does not answer, or its answer cannot be understood."""

    code = "store-unavailable"

    def __init__(self, cause: str = "") -> None:
        super().__init__("The object store is not available.")
        self.cause = cause


class StoreMisconfiguredError(StoreUnavailableError):
    """The object store refuses the service until an operator changes something."""

    code = "store-misconfigured"
    retry_after = None

    def __init__(self, reason: str, cause: str) -> None:
        UploadError.__init__(self, f"The object store is misconfigured: {reason}.", reason=reason)
        self.cause = cause


def _numbers(numbers: Sequence[int], most: int = 20) -> str:
    listed = ", ".join(map(str, numbers[:most]))
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return f"part{'s' if len(numbers) > 1 else ''} {listed}{more}"
