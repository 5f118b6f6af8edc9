"""The header Content-Disposition of an object."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from .object_key import FALLBACK_FILENAME, strip_controls

# S3 takes 8 KB of headers in all, and percent-encoding makes three bytes of one. No common file
# system takes names longer than 255 UTF-16 units, which are at most this many bytes of UTF-8.
_MAX_NAME_BYTES: Final = 765
_TAIL_BYTES: Final = 50


def content_disposition(filename: str) -> str:
    r"""Return the header by which a browser saves the object under its name.

    RFC 6266, with a fallback in ASCII. Without control characters: a bidirectional one would show
    `invoice\u202efdp.exe` as a PDF.
    """
    name = _shorten(strip_controls(filename)) or FALLBACK_FILENAME
    fallback = "".join(char if _is_plain(char) else "_" for char in name)
    if fallback == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"


def _is_plain(char: str) -> bool:
    # Some browsers read a percent sign in the fallback as the start of an escape.
    return " " <= char <= "~" and char not in '"\\%'


def _shorten(name: str) -> str:
    """Cut the middle out of a long name, so that the extension stays."""
    encoded = name.encode()
    if len(encoded) <= _MAX_NAME_BYTES:
        return name
    head, tail = encoded[: _MAX_NAME_BYTES - _TAIL_BYTES], encoded[-_TAIL_BYTES:]
    # The cut may split a character; "ignore" drops its remaining bytes.
    return head.decode(errors="ignore") + tail.decode(errors="ignore")
