"""Move events to the log, and remove old ones from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..domain.policy import UploadPolicy
from .ports import EventRepository, SessionRepository

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class CollectEvents:
    """Append to the log what sessions have stored; any number of processes may collect."""

    sessions: SessionRepository
    events: EventRepository
    policy: UploadPolicy

    async def __call__(self) -> int:
        """Collect everything. Return how many events."""
        collected = 0
        while found := await self.events.collect(_PAGE):
            collected += found
        return collected

    async def purge(self) -> int:
        """Remove events after their retention. Return how many."""
        return await self.events.purge(await self.sessions.now() - self.policy.retention)
