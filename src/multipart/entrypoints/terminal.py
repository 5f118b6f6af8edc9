"""Text from clients, S3 and databases, made safe for terminals and logs."""

from __future__ import annotations


def escape_unprintable(text: str) -> str:
    r"""Escape control characters, line breaks and bidirectional controls, such as `\u202e`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
