"""The page's files, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Final

# Not what the machine's own tables say: with nosniff, a wrong type is a page that does not work.
_MEDIA_TYPES: Final = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent; the ETag is quoted and changes with the content alone."""

    body: bytes
    media_type: str
    etag: str


def static_files() -> Mapping[str, StaticFile]:
    """Read every file of the page, by name."""
    return {
        path.name: _read(path.read_bytes(), path.name.rpartition(".")[2])
        for path in (files(__package__ or __name__) / "static").iterdir()
    }


def _read(body: bytes, suffix: str) -> StaticFile:
    return StaticFile(body, _MEDIA_TYPES[suffix], f'"{sha256(body).hexdigest()[:32]}"')
