"""Encode text for header values, which are ASCII, by RFC 2047."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

# RFC 2047 limits an encoded word to 75 characters: 12 of frame and 60 of base64, for 45 bytes.
_MAX_WORD_BYTES: Final = 45
EMPTY_WORD: Final = "=?UTF-8?B??="
"""Empty text, for stores that accept no empty value."""


def encode_header_value(value: str) -> str:
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
