"""A numbered slice of a file, as clients report it and as the object store holds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class PartState(StrEnum):
    """How far a part has come."""

    EXPECTED = "expected"
    """In the plan; nobody has reported it and the store does not hold it."""
    UPLOADED = "uploaded"
    """A client has reported its ETag."""
    VERIFIED = "verified"
    """The store holds it with the same ETag and size."""


def bare_etag(etag: str) -> str:
    """Take the quotes off an ETag: clients send it with and without, S3 compares it without."""
    return etag.strip('"')


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """A part as the object store lists it; the ETag is bare, the size in bytes."""

    number: int
    etag: str
    size: int
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part that was reported; the ETag is bare, the size in bytes if the client told it."""

    number: int
    etag: str
    size: int | None
    recorded_at: datetime
    state: PartState = PartState.UPLOADED

    @classmethod
    def reported(cls, number: int, etag: str, size: int | None, at: datetime) -> Part:
        """Record what a client says it uploaded."""
        return cls(number=number, etag=bare_etag(etag), size=size, recorded_at=at)

    @classmethod
    def found(cls, stored: StoredPart) -> Part:
        """Record a part that only the store knew: its client died before reporting it."""
        return cls(
            number=stored.number,
            etag=stored.etag,
            size=stored.size,
            recorded_at=stored.stored_at,
            state=PartState.VERIFIED,
        )

    def agrees_with(self, stored: StoredPart) -> bool:
        """Tell whether the store holds what was reported.

        Of a part that no client reported nothing was claimed: what the store holds now counts.
        """
        if self.state is PartState.VERIFIED:
            return True
        return self.etag == stored.etag and self.size in (None, stored.size)

    def is_outdated_by(self, stored: StoredPart) -> bool:
        """Tell whether the store, which alone told of this part, holds other bytes by now."""
        return self.state is PartState.VERIFIED and self.etag != stored.etag

    def checked_against(self, stored: StoredPart | None) -> Part:
        """Give the part as the store's own listing proves it."""
        if stored is None or not self.agrees_with(stored):
            return replace(self, state=PartState.UPLOADED)
        return replace(self, state=PartState.VERIFIED, etag=stored.etag, size=stored.size)
