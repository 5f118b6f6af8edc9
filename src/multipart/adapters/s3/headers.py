"""Headers and form fields of new objects, which carry names and metadata in ASCII."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from ...application.ports import NewObject
from ...domain.object_key import FALLBACK_FILENAME, strip_controls
from ...domain.validation import NONCE_METADATA_KEY, UPLOAD_ID_METADATA_KEY

# S3 takes 8 KB of headers in all, and percent-encoding makes three bytes of one. No common file
# system takes names longer than 255 UTF-16 units, which are at most this many bytes of UTF-8.
_MAX_NAME_BYTES: Final = 765
_TAIL_BYTES: Final = 50
# RFC 2047 limits an encoded word to 75 characters: 12 of frame and 60 of base64, for 45 bytes.
_MAX_WORD_BYTES: Final = 45


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


def object_metadata(new: NewObject) -> dict[str, str]:
    """Return the metadata that S3 stores: lowercase keys, ASCII values, our upload id and nonce."""
    metadata = {key.lower(): _encode(value) for key, value in new.metadata.items()}
    metadata[UPLOAD_ID_METADATA_KEY] = new.upload_id
    if new.nonce is not None:
        metadata[NONCE_METADATA_KEY] = new.nonce
    return metadata


def form_fields(new: NewObject) -> dict[str, str]:
    """Return the fields of a POST form that describe the object."""
    metadata = object_metadata(new)
    return {
        "content-type": new.content_type,
        "content-disposition": content_disposition(new.filename),
        # Otherwise S3 answers 204, without the location that clients read.
        "success_action_status": "201",
        **{f"x-amz-meta-{name}": value for name, value in metadata.items()},
    }


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


def _encode(value: str) -> str:
    """Encode a header value by RFC 2047 unless it is plain ASCII."""
    # HTTP drops leading and trailing spaces; a reader would decode what looks encoded.
    is_plain = value.isascii() and value.isprintable() and value == value.strip()
    if is_plain and "=?" not in value:
        return value
    return " ".join(f"=?UTF-8?B?{b64encode(word).decode()}?=" for word in _split_words(value))


def _split_words(value: str) -> Iterator[bytes]:
    word = b""
    for char in map(str.encode, value):
        if len(word) + len(char) > _MAX_WORD_BYTES:
            yield word
            word = b""
        word += char
    yield word
