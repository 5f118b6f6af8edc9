"""Sessions as they were a moment ago, for what need not be decided on the newest state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from ..domain.part import Part
from ..domain.session import UploadSession
from .ports import Clock, SessionPage, SessionQuery, SessionRepository

MOMENT: Final = timedelta(seconds=3)
"""A client whose store upload was lost and replaced gets URLs of the old one no longer than this.

Only from another process than the one that replaced it, which knows at once.
"""
MOST: Final = 5000
"""Sessions remembered: some 10 MB."""


class SessionCache:
    """A session repository that remembers for a moment what it has read and written.

    `get` always reads; `recent` does where it must.
    """

    def __init__(self, stored: SessionRepository, clock: Clock) -> None:
        self._stored = stored
        self._clock = clock
        self._seen: dict[str, tuple[UploadSession, datetime]] = {}

    async def recent(self, upload_id: str) -> UploadSession:
        """Give a session as it was less than a moment ago, or as stored if none could upload.

        Raise SessionNotFoundError if there is none.
        """
        if (seen := self._seen.get(upload_id)) is not None:
            session, seen_at = seen
            # Not open, or lost, may be over by now, and nobody can upload meanwhile. A clock that
            # went back must not make a session look fresh for long.
            is_usable = session.state.is_open and not session.is_lost
            if is_usable and seen_at <= self._clock.now() < seen_at + MOMENT:
                return session
        return await self.get(upload_id)

    async def now(self) -> datetime:
        return await self._stored.now()

    async def add(self, session: UploadSession) -> None:
        await self._stored.add(session)

    async def get(self, upload_id: str) -> UploadSession:
        # The time before the answer is asked for: it may be as old as that.
        now = self._clock.now()
        return self._remembered(await self._stored.get(upload_id), now)

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        return await self._stored.get_many(upload_ids)

    async def save(self, session: UploadSession) -> UploadSession:
        now = self._clock.now()
        return self._remembered(await self._stored.save(session), now)

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        await self._stored.record_parts(upload_id, parts)

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        return await self._stored.report_parts(session, parts)

    async def list_parts(self, upload_id: str) -> list[Part]:
        return await self._stored.list_parts(upload_id)

    async def forget_parts(self, upload_id: str) -> None:
        await self._stored.forget_parts(upload_id)

    async def count_parts(self, upload_id: str) -> int:
        return await self._stored.count_parts(upload_id)

    async def find(self, query: SessionQuery) -> SessionPage:
        return await self._stored.find(query)

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        return await self._stored.find_due(before, limit, after)

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        return await self._stored.purge_sessions(before, limit)

    async def check(self) -> None:
        await self._stored.check()

    def _remembered(self, session: UploadSession, now: datetime) -> UploadSession:
        seen = self._seen.pop(session.id, None)
        # Answers may overtake each other: the older version must not hide the newer.
        if seen is None or session.version >= seen[0].version:
            seen = (session, now)
        self._seen[session.id] = seen
        if len(self._seen) > MOST:
            del self._seen[next(iter(self._seen))]
        return session
