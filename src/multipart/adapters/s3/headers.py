"""Headers and form fields of new objects, which carry names and metadata in ASCII."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from ...application.ports import NewObject
from ...domain.content_disposition import content_disposition
from ...domain.validation import NONCE_METADATA_KEY, UPLOAD_ID_METADATA_KEY

# RFC 2047 limits an encoded word to 75 characters: 12 of frame and 60 of base64, for 45 bytes.
_MAX_WORD_BYTES: Final = 45


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
