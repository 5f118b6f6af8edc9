"""Keys made by the server: `{prefix}{user_id}/{upload_id}/{filename}`."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Final

MAX_FILENAME_BYTES: Final = 200
SHARD: Final = "{shard}"
"""Where a prefix has it, keys spread over S3's partitions from the first upload on."""
_FALLBACK: Final = "file"
# Control, format (bidirectional overrides are in there), surrogate, private, unassigned, and the
# separators of lines and paragraphs: nothing of these may stand in a name that people read.
_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SEPARATORS: Final = re.compile(r"[/\\]")
_NAMELESS: Final = re.compile(r"[.\s]*")


def object_key(prefix: str, user_id: str, upload_id: str, filename: str) -> str:
    """Join the parts of a key so that no two users and no two uploads ever share one.

    `{shard}` in the prefix becomes one of 256 values, evenly by upload id.
    """
    spread = prefix.replace(SHARD, sha256(upload_id.encode()).hexdigest()[:2])
    return f"{spread}{user_component(user_id)}/{upload_id}/{safe_filename(filename)}"


def common_prefix(prefix: str) -> str:
    """Give what all keys of a prefix begin with, whatever their shard."""
    return prefix.partition(SHARD)[0]


def upload_id_in(key: str) -> str | None:
    """Read the upload id out of a key that may be one of ours; None if it cannot be."""
    components = key.rsplit("/", 2)
    return components[1] if len(components) > len(("upload_id", "filename")) else None


def user_component(user_id: str) -> str:
    """Write a user id as one path component, different ids always differently."""
    if user_id in {".", ".."}:
        return user_id.replace(".", "%2E")
    return re.sub(r"[%/\\]", lambda found: f"%{ord(found[0]):02X}", user_id)


def is_printable(text: str) -> bool:
    """Tell whether a text holds no control characters and no bidirectional tricks."""
    return not any(unicodedata.category(char) in _UNSAFE_CATEGORIES for char in text)


def safe_filename(filename: str) -> str:
    """Reduce a client's file name to a last path component of at most 200 bytes of UTF-8.

    NFC; without separators, control and bidirectional characters and `..`; the extension is kept.
    """
    last = _SEPARATORS.split(filename.rstrip("/\\"))[-1]
    printable = "".join(
        char for char in last if unicodedata.category(char) not in _UNSAFE_CATEGORIES
    )
    name = _tidied(unicodedata.normalize("NFC", printable))
    # Once more: a cut may end in a space, or put a dot in front of the extension's own.
    name = _tidied(_shortened(name))
    return _FALLBACK if _NAMELESS.fullmatch(name) else name


def _tidied(name: str) -> str:
    return re.sub(r"\.{2,}", ".", name).strip()


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_FILENAME_BYTES:
        return name
    _, dot, extension = name.rpartition(".")
    # An "extension" that would fill the name is none.
    is_short = len(extension.encode()) <= MAX_FILENAME_BYTES // 4
    suffix = f".{extension}" if dot and is_short else ""
    room = MAX_FILENAME_BYTES - len(suffix.encode())
    # Cutting bytes may split a character; "ignore" drops the half that is left.
    return name.encode()[:room].decode(errors="ignore") + suffix
