"""What a client's words about its file must keep to before they reach a key or a header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .errors import InvalidFieldError
from .limits import MAX_METADATA_BYTES, MAX_METADATA_ENTRIES
from .object_key import is_printable

UPLOAD_ID_METADATA_KEY: Final = "multipart-upload-id"
NONCE_METADATA_KEY: Final = "multipart-upload-nonce"
RESERVED_METADATA_KEYS: Final = frozenset({UPLOAD_ID_METADATA_KEY, NONCE_METADATA_KEY})
"""Where an object's metadata holds our upload id and its session's nonce; clients cannot set them.
"""

MAX_USER_ID_LENGTH: Final = 128
MAX_FILENAME_LENGTH: Final = 1024
MAX_CONTENT_TYPE_LENGTH: Final = 255

# type/subtype of RFC 9110 8.3, parameters loosely: printable ASCII.
_TYPE_NAME: Final = r"[A-Za-z0-9_!#$&^.+-]+"
CONTENT_TYPE_PATTERN: Final = rf"^({_TYPE_NAME}/{_TYPE_NAME}([ \t]*;[\x20-\x7e]*)?)?$"
METADATA_KEY_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


def checked(user_id: str, filename: str, content_type: str, metadata: Mapping[str, str]) -> None:
    """Raise InvalidFieldError for the first field that breaks a rule."""
    _length("user_id", user_id, MAX_USER_ID_LENGTH)
    _length("filename", filename, MAX_FILENAME_LENGTH)
    if not is_printable(user_id):
        raise InvalidFieldError("user_id", "must have no control characters")
    if not _encodable(filename):
        raise InvalidFieldError("filename", "must be text that UTF-8 can write")
    if len(content_type) > MAX_CONTENT_TYPE_LENGTH:
        raise InvalidFieldError(
            "content_type", f"must have {MAX_CONTENT_TYPE_LENGTH} characters at most"
        )
    if not re.fullmatch(CONTENT_TYPE_PATTERN, content_type):
        raise InvalidFieldError("content_type", "must be of the form type/subtype")
    require_metadata(metadata)


def require_metadata(metadata: Mapping[str, str]) -> None:
    """Raise InvalidFieldError for what the object could not carry."""
    if len(metadata) > MAX_METADATA_ENTRIES:
        raise InvalidFieldError("metadata", f"must have {MAX_METADATA_ENTRIES} entries at most")
    for key, value in metadata.items():
        if not re.fullmatch(METADATA_KEY_PATTERN, key) or key.lower() in RESERVED_METADATA_KEYS:
            raise InvalidFieldError(
                "metadata", "keys must be 1 to 64 letters, digits, '.', '_' or '-', not our own"
            )
        if not is_printable(value):
            raise InvalidFieldError("metadata", "values must have no control characters")
    if len({key.lower() for key in metadata}) < len(metadata):
        raise InvalidFieldError("metadata", "keys must differ by more than case, which S3 ignores")
    if sum(len(f"{key}{value}".encode()) for key, value in metadata.items()) > MAX_METADATA_BYTES:
        raise InvalidFieldError("metadata", f"must have {MAX_METADATA_BYTES} bytes at most in all")


def _length(field: str, text: str, most: int) -> None:
    if not 1 <= len(text) <= most:
        raise InvalidFieldError(field, f"must have 1 to {most} characters")


def _encodable(text: str) -> bool:
    # JSON can carry half a surrogate pair, which no header and no database takes.
    return not any("\ud800" <= char <= "\udfff" for char in text)
