"""Check whether the service can work."""

from __future__ import annotations

from asyncio import gather
from dataclasses import dataclass

from .ports import ObjectStore, SessionRepository


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Check both ports at once. Raise UnavailableError if one is down or misconfigured."""

    sessions: SessionRepository
    store: ObjectStore

    async def __call__(self) -> None:
        await gather(self.sessions.check(), self.store.check())
