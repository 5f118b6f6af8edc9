"""Upload tokens: signed permissions to upload within limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from .errors import FieldError, InvalidFieldsError
from .limits import MAX_OBJECT_SIZE
from .object_key import is_printable
from .upload_limits import MEDIA_RANGE_PATTERN, UploadLimits
from .validation import start_errors

AUDIENCE: Final = "multipart-upload"
MAX_TOKEN_ID_LENGTH: Final = 128
MAX_TOKEN_UPLOADS: Final = 1000
MAX_TOKEN_TYPES: Final = 100
# Path components that do not start with a dot, after all of which a slash may follow.
KEY_PREFIX_PATTERN: Final = (
    r"^([A-Za-z0-9!_*'()-][A-Za-z0-9!_.*'()-]*/)*([A-Za-z0-9!_*'()-][A-Za-z0-9!_.*'()-]*)?$"
)
MAX_KEY_PREFIX_LENGTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadToken:
    """What the bearer of a token may upload, for one user; None is no limit of its own.

    - `id` is unique among the tokens of the user. The token is accepted until `expires_at`.
    - `max_size` is the largest file in bytes.
    - `content_types` are media types, or all of a kind such as `image/*`.
    - `max_uploads` is how many uploads may be started.
    - `key_prefix` follows the service's own prefix in every key, and `metadata` replaces entries
      that the client gives under the same names.
    """

    id: str
    user_id: str
    expires_at: datetime
    max_size: int | None = None
    content_types: tuple[str, ...] | None = None
    max_uploads: int | None = None
    key_prefix: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def limits(self) -> UploadLimits:
        """Which types of files a start accepts."""
        types = self.content_types
        return UploadLimits(content_types=types and tuple(map(str.lower, types)))

    def require_valid(self) -> None:
        """Raise InvalidFieldsError for all fields that break a rule."""
        if wrong := [*self._errors()]:
            raise InvalidFieldsError(wrong)

    def _errors(self) -> Iterator[FieldError]:
        yield from start_errors(user_id=self.user_id, metadata=self.metadata)
        if not (1 <= len(self.id) <= MAX_TOKEN_ID_LENGTH and is_printable(self.id)):
            yield FieldError("id", f"must have 1 to {MAX_TOKEN_ID_LENGTH} printable characters")
        if not _is_within(self.max_size, MAX_OBJECT_SIZE):
            yield FieldError("max_size", f"must be 1 to {MAX_OBJECT_SIZE} bytes")
        if not _is_within(self.max_uploads, MAX_TOKEN_UPLOADS):
            yield FieldError("max_uploads", f"must be 1 to {MAX_TOKEN_UPLOADS}")
        if len(self.key_prefix) > MAX_KEY_PREFIX_LENGTH or not re.fullmatch(
            KEY_PREFIX_PATTERN, self.key_prefix
        ):
            rule = "must be at most 100 letters, digits and ! _ . * ' ( ) / -; no component of it "
            yield FieldError("key_prefix", f"{rule} may be empty or start with a dot")
        types = self.content_types or ()
        if len(types) > MAX_TOKEN_TYPES:
            yield FieldError("content_types", f"must have {MAX_TOKEN_TYPES} entries at most")
        elif not all(re.fullmatch(MEDIA_RANGE_PATTERN, entry) for entry in types):
            yield FieldError("content_types", "must be types such as image/png or image/*")


@dataclass(frozen=True, slots=True)
class TokenUse:
    """The token with which a session was started, and which may be used until `expires_at`.

    `start_key` is a hash of the idempotency key, None without one.
    """

    token_id: str
    expires_at: datetime
    start_key: str | None = None


def _is_within(number: int | None, largest: int) -> bool:
    return number is None or 1 <= number <= largest
