"""Parts, as clients report them and as the object store lists them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class PartState(StrEnum):
    """The progress of a part, spelled as on the wire."""

    EXPECTED = "expected"
    """In the plan, but neither reported nor stored."""
    UPLOADED = "uploaded"
    """A client has reported its ETag."""
    VERIFIED = "verified"
    """The store holds it with the same ETag and size."""


def bare_etag(etag: str) -> str:
    """Remove the quotes of an ETag, which clients send with or without them."""
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
    """A recorded part; the ETag is bare, the size in bytes, None if the client did not give it."""

    number: int
    etag: str
    size: int | None
    recorded_at: datetime
    state: PartState = PartState.UPLOADED

    @classmethod
    def from_report(cls, number: int, etag: str, size: int | None, at: datetime) -> Part:
        """Make the part that a client reports."""
        return cls(number=number, etag=bare_etag(etag), size=size, recorded_at=at)

    @classmethod
    def from_store(cls, stored: StoredPart) -> Part:
        """Make a part that only the store has: its client did not report it."""
        return cls(
            number=stored.number,
            etag=stored.etag,
            size=stored.size,
            recorded_at=stored.stored_at,
            state=PartState.VERIFIED,
        )

    def agrees_with(self, stored: StoredPart) -> bool:
        """Return whether the store holds what was reported.

        True for a part that no client reported: then only the store's content counts.
        """
        if self.state is PartState.VERIFIED:
            return True
        return self.etag == stored.etag and self.size in (None, stored.size)

    def is_outdated_by(self, stored: StoredPart) -> bool:
        """Return whether this part was found in the store, and the store has other bytes now."""
        return self.state is PartState.VERIFIED and self.etag != stored.etag

    def verify_against(self, stored: StoredPart | None) -> Part:
        """Return the part as verified, if the store's listing agrees with it."""
        if stored is None or not self.agrees_with(stored):
            return replace(self, state=PartState.UPLOADED)
        return replace(self, state=PartState.VERIFIED, etag=stored.etag, size=stored.size)
