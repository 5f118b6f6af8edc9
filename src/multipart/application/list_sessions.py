"""List a user's uploads."""

from __future__ import annotations

from dataclasses import dataclass

from .ports import SessionPage, SessionQuery, SessionRepository


@dataclass(frozen=True, slots=True)
class ListSessions:
    """Return a page of a user's sessions, newest first."""

    sessions: SessionRepository

    async def __call__(self, query: SessionQuery) -> SessionPage:
        return await self.sessions.find(query)
