"""A session cache, for calls that may work on a session read up to CACHE_SECONDS ago."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from cachetools import LRUCache

from ..domain.session import UploadSession
from .ports import ForwardingRepository, SessionRepository

CACHE_SECONDS: Final = 3.0
"""How long this process may sign URLs of a lost store upload that another process has replaced.

Changes by this process are known at once.
"""
MAX_CACHED: Final = 5000
"""About 10 MB of sessions."""


class _Entry(NamedTuple):
    session: UploadSession
    requested_at: float


class SessionCache(ForwardingRepository):
    """A session repository that caches the sessions it reads and saves, for `get_recent` only."""

    def __init__(
        self, sessions: SessionRepository, timer: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(sessions)
        self._timer = timer
        # Not cachetools' TTLCache: looking up an entry would cost a tenth of signing a part.
        self._entries: LRUCache[str, _Entry] = LRUCache(MAX_CACHED)

    async def get_recent(self, upload_id: str) -> UploadSession:
        """Return a session from the cache, or read it.

        Always read a session that was not open or was lost: this may have changed, and the client
        cannot upload until it has. Raise SessionNotFoundError if there is none.
        """
        entry = self._find_entry(upload_id)
        if entry is not None and entry.session.state.is_open and not entry.session.is_lost:
            return entry.session
        return await self.get(upload_id)

    async def get(self, upload_id: str) -> UploadSession:
        # The time before the read: the answer may be as old as that.
        requested_at = self._timer()
        return self._put(await self.sessions.get(upload_id), requested_at)

    async def save(self, session: UploadSession) -> UploadSession:
        requested_at = self._timer()
        return self._put(await self.sessions.save(session), requested_at)

    def _put(self, session: UploadSession, requested_at: float) -> UploadSession:
        known = self._find_entry(session.id)
        # Answers may overtake each other: an older version must not replace a newer one.
        if known is None or session.version >= known.session.version:
            self._entries[session.id] = _Entry(session, requested_at)
        return session

    def _find_entry(self, upload_id: str) -> _Entry | None:
        try:
            entry = self._entries[upload_id]
        except KeyError:
            return None
        return entry if self._timer() < entry.requested_at + CACHE_SECONDS else None
