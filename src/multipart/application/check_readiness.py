"""Tell whether the service can do its work."""

from __future__ import annotations

from asyncio import gather
from dataclasses import dataclass

from .ports import ObjectStore, SessionRepository


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Ask both ports at once. Raise the UnavailableError of one that is away or misconfigured."""

    sessions: SessionRepository
    store: ObjectStore

    async def __call__(self) -> None:
        await gather(self.sessions.check(), self.store.check())
