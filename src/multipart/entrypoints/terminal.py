"""Text of clients, S3 and databases, made safe to show."""

from __future__ import annotations

from ..domain.object_key import is_printable


def visible(text: str) -> str:
    r"""Escape control characters, line breaks and bidirectional controls, such as `\u202e`."""
    if is_printable(text):
        return text
    return "".join(char if is_printable(char) else ascii(char)[1:-1] for char in text)
