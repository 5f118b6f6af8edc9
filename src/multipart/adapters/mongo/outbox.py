"""Events in the document of their session, until a process has collected them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from pymongo import ASCENDING, IndexModel

from ...domain.upload_event import UploadEvent

OUTBOX: Final = "outbox"
"""A field that is missing unless it has events."""
OLDEST: Final = f"{OUTBOX}.occurred_at"
OUTBOX_INDEX: Final = IndexModel([(OLDEST, ASCENDING)], sparse=True)


def outbox_entry(event: UploadEvent) -> dict[str, Any]:
    """Return the entry of an event."""
    return {
        "id": event.id,
        "occurred_at": event.timestamp,
        # As text, because names in metadata may have dots and dollars.
        "body": msgspec.json.encode(event).decode(),
    }


def to_event(entry: Mapping[str, Any]) -> UploadEvent:
    """Read the event of an entry."""
    return msgspec.json.decode(entry["body"], type=UploadEvent)
