"""Validate what a client declares about its file, before it reaches a key or a header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .errors import FieldError, InvalidFieldError, InvalidFieldsError
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

# type/subtype as in RFC 9110 8.3; the parameters may be any printable ASCII. A browser sends an
# empty type for a file that it does not recognise.
_TYPE_NAME: Final = r"[A-Za-z0-9_!#$&^.+-]+"
CONTENT_TYPE_PATTERN: Final = rf"^({_TYPE_NAME}/{_TYPE_NAME}([ \t]*;[\x20-\x7e]*)?)?$"
CONTENT_TYPE_RULE: Final = "must be of the form type/subtype, such as video/mp4, or empty"
METADATA_KEY_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


def require_start(
    user_id: str, filename: str, content_type: str, metadata: Mapping[str, str]
) -> None:
    """Raise InvalidFieldsError for all fields that break a rule."""
    wrong = start_errors(
        user_id=user_id, filename=filename, content_type=content_type, metadata=metadata
    )
    if wrong:
        raise InvalidFieldsError(wrong)


def start_errors(
    *,
    user_id: str | None = None,
    filename: str | None = None,
    content_type: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> list[FieldError]:
    """Return one error for each field that is given and breaks a rule."""
    rules = {
        "user_id": _user_id_rule(user_id),
        "filename": _filename_rule(filename),
        "content_type": _content_type_rule(content_type),
        "metadata": _metadata_rule(metadata or {}),
    }
    return [FieldError(field, rule) for field, rule in rules.items() if rule]


def require_metadata(metadata: Mapping[str, str]) -> None:
    """Raise InvalidFieldError for metadata that the object could not carry."""
    if rule := _metadata_rule(metadata):
        raise InvalidFieldError("metadata", rule)


def is_user_id(text: str) -> bool:
    """Return whether a text can be a user id."""
    return _user_id_rule(text) is None


def _user_id_rule(user_id: str | None) -> str | None:
    if user_id is None:
        return None
    if not 1 <= len(user_id) <= MAX_USER_ID_LENGTH:
        return f"must have 1 to {MAX_USER_ID_LENGTH} characters"
    return None if is_printable(user_id) else "must have no control characters"


def _filename_rule(filename: str | None) -> str | None:
    if filename is None:
        return None
    if not 1 <= len(filename) <= MAX_FILENAME_LENGTH:
        return f"must have 1 to {MAX_FILENAME_LENGTH} characters"
    return None if _is_encodable(filename) else "must be text that UTF-8 can write"


def _content_type_rule(content_type: str | None) -> str | None:
    if content_type is None:
        return None
    if len(content_type) > MAX_CONTENT_TYPE_LENGTH:
        return f"must have {MAX_CONTENT_TYPE_LENGTH} characters at most"
    return None if re.fullmatch(CONTENT_TYPE_PATTERN, content_type) else CONTENT_TYPE_RULE


def _metadata_rule(metadata: Mapping[str, str]) -> str | None:
    if len(metadata) > MAX_METADATA_ENTRIES:
        return f"must have {MAX_METADATA_ENTRIES} entries at most"
    if rule := next(filter(None, map(_entry_rule, metadata, metadata.values())), None):
        return rule
    if len({key.lower() for key in metadata}) < len(metadata):
        return "keys must differ by more than case, which S3 ignores"
    if sum(len(f"{key}{value}".encode()) for key, value in metadata.items()) > MAX_METADATA_BYTES:
        return f"must have {MAX_METADATA_BYTES} bytes at most in all"
    return None


def _entry_rule(key: str, value: str) -> str | None:
    if not re.fullmatch(METADATA_KEY_PATTERN, key):
        return "keys must be 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit"
    if key.lower() in RESERVED_METADATA_KEYS:
        return f"the key {key.lower()} is reserved"
    return None if is_printable(value) else "values must have no control characters"


def _is_encodable(text: str) -> bool:
    # JSON can carry half of a surrogate pair, which headers and databases do not accept.
    return not any("\ud800" <= char <= "\udfff" for char in text)
