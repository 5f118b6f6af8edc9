"""Which types and names of files a start accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import FieldError, InvalidFieldsError

MEDIA_RANGE_PATTERN: Final = r"[A-Za-z0-9_!#$&^.+-]+/([A-Za-z0-9_!#$&^.+-]+|\*)"
"""A media type, or all of a kind."""
_ANY_SUBTYPE: Final = "/*"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What a start must satisfy, in lower case; None allows everything.

    `content_types` are media types, or all of a kind such as `image/*`. `extensions` have no dot.
    Both are what the client declares; the bytes may be something else.
    """

    content_types: tuple[str, ...] | None = None
    extensions: tuple[str, ...] | None = None

    def require(self, content_type: str, filename: str) -> None:
        """Raise InvalidFieldsError, with the allowed values, for each field that is refused."""
        media_type = content_type.partition(";")[0].strip().lower()
        extension = filename.rpartition(".")[2].lower() if "." in filename else ""
        wrong = []
        if self.content_types is not None and not _is_covered(media_type, self.content_types):
            rule = f"must be one of the allowed types: {', '.join(self.content_types)}"
            wrong.append(FieldError("content_type", rule))
        if self.extensions is not None and extension not in self.extensions:
            rule = f"must have one of the allowed extensions: {', '.join(self.extensions)}"
            wrong.append(FieldError("filename", rule))
        if wrong:
            raise InvalidFieldsError(wrong)


def _is_covered(media_type: str, allowed: tuple[str, ...]) -> bool:
    return any(
        media_type.startswith(entry[:-1]) if entry.endswith(_ANY_SUBTYPE) else media_type == entry
        for entry in allowed
    )
