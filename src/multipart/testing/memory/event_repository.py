"""Events in memory, for tests."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from itertools import islice

from ...domain.upload_event import LoggedEvent
from ...domain.webhook import WebhookState
from .session_repository import MemorySessionRepository


class MemoryEventRepository:
    """Keeps the events of a session repository in this process."""

    def __init__(self, sessions: MemorySessionRepository) -> None:
        self._sessions = sessions
        self._log: list[LoggedEvent] = []
        self._webhooks: dict[str, WebhookState] = {}

    async def collect(self, limit: int) -> int:
        """Append stored events to the log."""
        outbox = self._sessions.outbox
        outbox.sort(key=lambda event: event.timestamp)
        collected = outbox[:limit]
        del outbox[:limit]
        first = await self.last_sequence() + 1
        self._log += [LoggedEvent(first + n, event) for n, event in enumerate(collected)]
        return len(collected)

    async def read(self, after: int, limit: int, user_id: str | None = None) -> list[LoggedEvent]:
        """Read events that follow a sequence number."""
        # The numbers in the log have no gaps.
        first = self._log[0].sequence if self._log else 1
        following = islice(self._log, max(0, after + 1 - first), None)
        of_user = (logged for logged in following if user_id in (None, logged.event.data.user_id))
        return list(islice(of_user, limit))

    async def get_many(self, sequences: Collection[int]) -> list[LoggedEvent]:
        """Read those events that are in the log."""
        return [logged for logged in self._log if logged.sequence in sequences]

    async def last_sequence(self) -> int:
        """Return the last sequence number."""
        return self._log[-1].sequence if self._log else 0

    async def purge(self, before: datetime) -> int:
        """Remove old events, but never the last one."""
        kept = [logged for logged in self._log[:-1] if logged.event.timestamp >= before]
        kept += self._log[-1:]
        purged = len(self._log) - len(kept)
        self._log = kept
        return purged

    async def load_webhook(self, url: str) -> WebhookState | None:
        """Read the state of a webhook."""
        return self._webhooks.get(url)

    async def save_webhook(self, state: WebhookState) -> bool:
        """Store the state with the next version."""
        stored = self._webhooks.get(state.url)
        if state.version != (stored.version if stored else 0):
            return False
        self._webhooks[state.url] = replace(state, version=state.version + 1)
        return True
