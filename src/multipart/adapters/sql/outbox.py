"""Events in a table of their own, until a process has collected them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Insert, insert

from ...domain.session import UploadSession
from ...domain.upload_event import event_of
from .rows import to_milliseconds
from .tables import OUTBOX


def outbox_insert(saved: UploadSession) -> Insert | None:
    """Return the statement that stores the event of a session, None if it has none."""
    if (event := event_of(saved)) is None:
        return None
    return insert(OUTBOX).values(
        event_id=event.id,
        occurred_at=to_milliseconds(event.timestamp),
        version=saved.version,
        body=msgspec.json.encode(event).decode(),
    )
