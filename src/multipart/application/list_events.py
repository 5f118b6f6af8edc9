"""List events for systems that pull them."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.errors import EventsUnsupportedError
from ..domain.upload_event import LoggedEvent
from .ports import EventRepository


@dataclass(frozen=True, slots=True)
class ListEvents:
    """Read the log. Raise EventsUnsupportedError if the database has none."""

    events: EventRepository | None

    async def __call__(self, after: int, limit: int, user_id: str | None) -> list[LoggedEvent]:
        """Return events, of one user or of all, that follow a sequence number."""
        if self.events is None:
            raise EventsUnsupportedError
        return await self.events.read(after, limit, user_id)
