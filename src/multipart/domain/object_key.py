"""Keys made by the server: `{prefix}{user_id}/{upload_id}.{nonce}/{filename}`."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from secrets import token_hex
from typing import Final

# Stores that keep objects as files limit a path component to 255 bytes. A prefix that does not end
# in a slash adds up to 100 bytes to the user's component.
MAX_FILENAME_BYTES: Final = 200
MAX_USER_BYTES: Final = 150
SHARD: Final = "{shard}"
"""In a prefix, spreads the keys over S3's partitions."""
FALLBACK_FILENAME: Final = "file"
# Control, format (with the bidirectional overrides), surrogate, private, unassigned, and the
# separators of lines and paragraphs: none of these may be in a name that people read.
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_CONTROL_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
_BIDI_CONTROLS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_SEPARATORS: Final = re.compile(r"[/\\]")
_NAMELESS: Final = re.compile(r"[.\s]*")
_KEY_COMPONENTS: Final = 3
"""The user's component with its prefix, the upload id with its nonce, and the file name."""


def object_key(prefix: str, user_id: str, upload_id: str, nonce: str, filename: str) -> str:
    """Build a key that no two users and no two sessions share.

    The nonce distinguishes sessions with the same upload id: an idempotency key gives the same id
    again after the first session has been purged.
    `{shard}` in the prefix becomes one of 256 values, evenly by upload id.
    """
    spread = prefix.replace(SHARD, sha256(upload_id.encode()).hexdigest()[:2])
    return f"{spread}{user_component(user_id)}/{upload_id}.{nonce}/{safe_filename(filename)}"


def new_nonce() -> str:
    """Return 16 random hexadecimal digits."""
    return token_hex(8)


def common_prefix(prefix: str) -> str:
    """Return the part of a prefix that all keys share, whatever their shard."""
    return prefix.partition(SHARD)[0]


def upload_id_in(key: str) -> str | None:
    """Return the upload id of a key that may be one of ours; None if it cannot be.

    Earlier versions made keys without a nonce, which are accepted as well.
    """
    components = key.rsplit("/", _KEY_COMPONENTS - 1)
    if len(components) < _KEY_COMPONENTS:
        return None
    return components[-2].partition(".")[0]


def user_component(user_id: str) -> str:
    """Encode a user id as one path component of at most 150 bytes; different ids stay different.

    Longer ids end in a hash. The `%23` before it occurs in no shorter component, because `#` is not
    escaped there.
    """
    escaped = _escape(user_id)
    if len(escaped.encode()) <= MAX_USER_BYTES:
        return escaped
    suffix = f"%23{sha256(user_id.encode()).hexdigest()}"
    return _cut(escaped, MAX_USER_BYTES - len(suffix)) + suffix


def is_printable(text: str) -> bool:
    """Return whether a text has no control characters and no bidirectional overrides."""
    return not any(unicodedata.category(char) in _UNSAFE_CATEGORIES for char in text)


def strip_controls(text: str) -> str:
    """Drop control characters, line breaks and bidirectional controls.

    The invisible joiners that emoji and some scripts need stay.
    """
    return "".join(char for char in text if not _is_control(char))


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in _CONTROL_CATEGORIES or char in _BIDI_CONTROLS


def safe_filename(filename: str) -> str:
    """Reduce a client's file name to a last path component of at most 200 bytes of UTF-8.

    NFC; without separators, control and bidirectional characters and `..`; the extension is kept.
    """
    last = _SEPARATORS.split(filename.rstrip("/\\"))[-1]
    printable = "".join(
        char for char in last if unicodedata.category(char) not in _UNSAFE_CATEGORIES
    )
    name = _tidy(unicodedata.normalize("NFC", printable))
    # Tidy again: the cut may leave a space at the end, or a dot before that of the extension.
    name = _tidy(_shorten(name))
    return FALLBACK_FILENAME if _NAMELESS.fullmatch(name) else name


def _escape(user_id: str) -> str:
    if user_id in {".", ".."}:
        return user_id.replace(".", "%2E")
    return re.sub(r"[%/\\]", lambda found: f"%{ord(found[0]):02X}", user_id)


def _tidy(name: str) -> str:
    return re.sub(r"\.{2,}", ".", name).strip()


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_FILENAME_BYTES:
        return name
    _, dot, extension = name.rpartition(".")
    # A suffix that would fill most of the name is not an extension.
    is_short = len(extension.encode()) <= MAX_FILENAME_BYTES // 4
    suffix = f".{extension}" if dot and is_short else ""
    room = MAX_FILENAME_BYTES - len(suffix.encode())
    return _cut(name, room) + suffix


def _cut(text: str, max_bytes: int) -> str:
    # Cutting bytes may split a character; "ignore" drops its first bytes.
    return text.encode()[:max_bytes].decode(errors="ignore")
