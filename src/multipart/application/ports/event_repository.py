"""The port for the log of events, and for what webhooks have received of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from ...domain.upload_event import LoggedEvent
from ...domain.webhook import WebhookState


class EventRepository(Protocol):
    """Keeps events in the order in which they were collected.

    The session repository of the same database stores each event with the change that causes it;
    `collect` appends them to the log. Every method raises RepositoryUnavailableError if there is no
    answer; a change may then have happened or not.
    """

    async def collect(self, limit: int) -> int:
        """Append up to `limit` stored events to the log, and return how many.

        Each event gets the next sequence number, once, however many processes collect at the same
        time. The events of one upload keep their order.
        """
        ...

    async def read(self, after: int, limit: int, user_id: str | None = None) -> list[LoggedEvent]:
        """Read events, of one user or of all, that follow a sequence number, in their order."""
        ...

    async def get_many(self, sequences: Collection[int]) -> list[LoggedEvent]:
        """Read those of up to 1,000 events that are in the log, in any order."""
        ...

    async def last_sequence(self) -> int:
        """Return the last sequence number that an event has got, 0 if none has."""
        ...

    async def purge(self, before: datetime) -> int:
        """Remove events from before this time, but never the last one. Return how many."""
        ...

    async def load_webhook(self, url: str) -> WebhookState | None:
        """Read the state of a webhook, None if it has none yet."""
        ...

    async def save_webhook(self, state: WebhookState) -> bool:
        """Store the state with the next version.

        Return False if its version is not the stored one, 0 for a new state.
        """
        ...
