"""The headers of blobs, which carry names and metadata in ASCII."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from azure.storage.blob import ContentSettings

from ...application.ports import NewObject
from ...domain.content_disposition import content_disposition
from ...domain.encoded_words import EMPTY_WORD, encode_header_value

UPLOAD_ID_NAME: Final = "multipart_upload_id"
NONCE_NAME: Final = "multipart_upload_nonce"


def blob_metadata(new: NewObject) -> dict[str, str]:
    """Return the metadata that a blob stores, with our upload id and nonce."""
    metadata = {
        _encode_name(name): encode_header_value(value) or EMPTY_WORD
        for name, value in new.metadata.items()
    }
    # No client's name can become one of these, because its underscores are doubled.
    metadata[UPLOAD_ID_NAME] = new.upload_id
    if new.nonce is not None:
        metadata[NONCE_NAME] = new.nonce
    return metadata


def content_settings(new: NewObject) -> ContentSettings:
    """Return the headers with which the finished blob is served."""
    return ContentSettings(
        content_type=new.content_type, content_disposition=content_disposition(new.filename)
    )


def read_owner(metadata: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the upload id and the nonce of a blob."""
    # Azure keeps the case of names, but HTTP on the way may not.
    lower = {name.lower(): value for name, value in metadata.items()}
    return lower.get(UPLOAD_ID_NAME), lower.get(NONCE_NAME)


def _encode_name(name: str) -> str:
    """Encode a name as a C# identifier, which Azure requires; different names stay different.

    An underscore is doubled. Any other character than a letter or digit becomes an underscore and
    two hexadecimal digits, and so does a digit at the beginning.
    """
    encoded = "".join(map(_encode_character, name.lower()))
    return f"_{ord(encoded[0]):02x}{encoded[1:]}" if encoded[0].isdecimal() else encoded


def _encode_character(char: str) -> str:
    if char == "_":
        return "__"
    return char if char.isalnum() else f"_{ord(char):02x}"
