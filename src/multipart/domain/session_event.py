"""What a change of a session tells other systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventType(StrEnum):
    """The types of events, spelled as on the wire."""

    STARTED = "upload.started"
    """The object store has opened the upload."""
    REOPENED = "upload.reopened"
    """It could not be completed, or its parts were lost: it is open again."""
    COMPLETED = "upload.completed"
    ABORTED = "upload.aborted"
    EXPIRED = "upload.expired"


class ReopenReason(StrEnum):
    """Why an upload was reopened, spelled as on the wire."""

    REFUSED = "parts-refused"
    """The object store did not complete it, or parts are missing."""
    LOST = "parts-lost"
    """The object store has discarded its parts: they must be sent again."""


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """One event, which is stored with the change that causes it."""

    type: EventType
    occurred_at: datetime
    reason: str | None = None
