"""Compare the type that the first bytes of a file show with the declared one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SAMPLE_SIZE: Final = 1024
"""How many bytes of a finished object are read to detect its type."""
_ALIASES: Final = {
    "application/zip-compressed": "application/zip",
    "audio/mp3": "audio/mpeg",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "image/jpg": "image/jpeg",
    "image/ms-bmp": "image/bmp",
    "image/pjpeg": "image/jpeg",
    "text/xml": "application/xml",
    "video/avi": "video/msvideo",
}
"""Other names of a type, without `x-`."""
_UNDECLARED: Final = "application/octet-stream"
_STREAM_CONTAINERS: Final = frozenset({"application/ogg", "application/matroska"})
# Of Office documents from before 2007, which share one signature, the library names Word.
_FILE_CONTAINERS: Final = frozenset({"application/zip", "application/gzip", "application/msword"})
_TEXT_SUFFIXES: Final = ("/xml", "+xml", "/json", "+json", "/javascript")


class ContentCheck(StrEnum):
    """What to do about the bytes of a finished object, spelled as in CONTENT_CHECK."""

    OFF = "off"
    """Do not read them."""
    REPORT = "report"
    """Record the detected type and whether it differs from the declared one."""
    REFUSE = "refuse"
    """As `report`, and remove the object if they differ."""


@dataclass(frozen=True, slots=True)
class DetectedType:
    """The media type that the bytes show; `is_mismatch` if they cannot be of the declared type."""

    media_type: str
    is_mismatch: bool


def compare_types(declared: str, candidates: Sequence[str]) -> DetectedType | None:
    """Compare the declared type with those that the bytes may have, the likeliest first.

    None without a candidate: text, for example, has no signature. Formats that share a container
    do not differ, such as a document that is a ZIP archive, or an audio file with a video's
    signature, as its first bytes cannot tell them apart.
    """
    if not candidates:
        return None
    wanted = _normalize(declared)
    for candidate in candidates:
        if _normalize(candidate) == wanted:
            return DetectedType(candidate, is_mismatch=False)
    found = _normalize(candidates[0])
    agrees = (
        wanted == _UNDECLARED
        or (_is_stream(wanted) and _is_stream(found))
        or (_is_text(wanted) and _is_text(found))
        or (wanted.startswith("application/") and found in _FILE_CONTAINERS)
    )
    return DetectedType(candidates[0], is_mismatch=not agrees)


def _normalize(media_type: str) -> str:
    kind, _, subtype = media_type.partition(";")[0].strip().lower().partition("/")
    name = f"{kind}/{subtype.removeprefix('x-')}"
    return _ALIASES.get(name, name) if subtype else _UNDECLARED


def _is_stream(media_type: str) -> bool:
    return media_type.startswith(("audio/", "video/")) or media_type in _STREAM_CONTAINERS


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type.endswith(_TEXT_SUFFIXES)
