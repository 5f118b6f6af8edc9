"""Headers of S3 objects: names and metadata that are not ASCII must travel as such."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from ...application.ports import NewObject
from ...domain.object_key import FALLBACK_FILENAME, strip_controls
from ...domain.validation import NONCE_METADATA_KEY, UPLOAD_ID_METADATA_KEY

# S3 takes 8 KB of headers in all, and percent-encoding makes three bytes of one. No file system in
# use has names longer than 255 UTF-16 units, which are at most this many bytes of UTF-8.
_MAX_NAME_BYTES: Final = 765
# RFC 2047 ends a word at 75 characters: 12 of frame and 60 of base64, which 45 bytes become.
_MAX_WORD_BYTES: Final = 45


def content_disposition(filename: str) -> str:
    r"""Make a browser save the object under its name: RFC 6266, with a fallback in ASCII.

    Without controls: a bidirectional one would show `invoice\u202efdp.exe` as a PDF.
    """
    name = _shortened(strip_controls(filename)) or FALLBACK_FILENAME
    fallback = "".join(char if _is_plain(char) else "_" for char in name)
    if fallback == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"


def object_metadata(new: NewObject) -> dict[str, str]:
    """Write metadata as S3 keeps it: lowercase keys, values in ASCII, ours among them."""
    written = {key.lower(): _encoded(value) for key, value in new.metadata.items()}
    written[UPLOAD_ID_METADATA_KEY] = new.upload_id
    if new.nonce is not None:
        written[NONCE_METADATA_KEY] = new.nonce
    return written


def _is_plain(char: str) -> bool:
    # Some browsers read a percent sign in the fallback as the start of an escape.
    return " " <= char <= "~" and char not in '"\\%'


def _shortened(name: str) -> str:
    """Cut the middle of a name that is too long, so that the extension stays."""
    whole = name.encode()
    if len(whole) <= _MAX_NAME_BYTES:
        return name
    tail = whole[-50:]
    # Cutting bytes may split a character; "ignore" drops the half that is left.
    head = whole[: _MAX_NAME_BYTES - len(tail)]
    return head.decode(errors="ignore") + tail.decode(errors="ignore")


def _encoded(value: str) -> str:
    # A header loses the spaces at its ends, and what already looks encoded would be decoded.
    is_plain = value.isascii() and value.isprintable() and value == value.strip()
    if is_plain and "=?" not in value:
        return value
    return " ".join(f"=?UTF-8?B?{b64encode(word).decode()}?=" for word in _words(value))


def _words(value: str) -> Iterator[bytes]:
    word = b""
    for char in map(str.encode, value):
        if len(word) + len(char) > _MAX_WORD_BYTES:
            yield word
            word = b""
        word += char
    yield word
