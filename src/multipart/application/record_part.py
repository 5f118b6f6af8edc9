"""Record that a client has uploaded a part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..domain.errors import StaleSessionError, StoreUploadGoneError
from ..domain.part import Part
from ..domain.part_rules import require_part
from ..domain.policy import UploadPolicy
from ..domain.session import SessionState, UploadSession
from .ports import Clock
from .session_cache import SessionCache
from .session_reference import SessionReference

# Expiry goes by activity; noting it ten times in a lifetime, at most hourly, spares a write a part.
ACTIVITY_GRAIN: Final = timedelta(hours=1)
_NOTES_PER_LIFETIME: Final = 10
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class RecordedPart:
    """The session's state once the part is recorded, and how many parts are."""

    status: SessionState
    parts_recorded: int


@dataclass(frozen=True, slots=True)
class RecordPart:
    """Record a part of an open session; the last report of a number wins.

    Raise SessionNotFoundError, TransitionError when the session is not open or has its maximum
    age, InvalidFieldError for a part that is not in the plan, and StoreUploadGoneError when the
    store has lost the upload.
    """

    sessions: SessionCache
    clock: Clock
    policy: UploadPolicy

    async def __call__(
        self, address: SessionReference, part_number: int, etag: str, size: int | None = None
    ) -> RecordedPart:
        session = await self.recordable(address)
        require_part(session, part_number, size, self.policy.max_parts, size_field="size")
        now = self.clock.now()
        return await self.taken(session, [Part.reported(part_number, etag, size, now)], now)

    async def recordable(self, address: SessionReference) -> UploadSession:
        """Give a session whose parts may be recorded, as it was a moment ago."""
        # What was asked for does not change: key, user and plan. Whether it is open still is
        # decided where the part is stored.
        session = address.matched(await self.sessions.recent(address.upload_id))
        session.require_recordable()
        session.require_young("record a part of", self.clock.now())
        return session

    async def taken(
        self, session: UploadSession, parts: Sequence[Part], now: datetime
    ) -> RecordedPart:
        """Store parts that an open session may have, in order."""
        # The parts first: a session in progress has one, whatever dies in between.
        session, count = await self._reported(session, parts)
        return RecordedPart((await self._moved(session, now)).state, count)

    async def _reported(
        self, session: UploadSession, parts: Sequence[Part]
    ) -> tuple[UploadSession, int]:
        for _ in range(_ATTEMPTS):
            try:
                return session, await self.sessions.report_parts(session, parts)
            except StaleSessionError:
                # Perhaps with the next store upload: a report does not say which it is of. One of
                # the upload before is found out when the parts are compared with the store's.
                session = await self.sessions.get(session.id)
                session.require_recordable()
        raise StaleSessionError

    async def _moved(self, session: UploadSession, now: datetime) -> UploadSession:
        while _is_worth_noting(session, now):
            try:
                return await self.sessions.save(session.part_recorded(await self.sessions.now()))
            except StaleSessionError:  # another part came first, or the session was claimed
                store_upload_id = session.store_upload_id
                session = await self.sessions.get(session.id)
                # Whoever claimed it may have read the parts already: this one is not promised.
                session.require_recordable()
                # Nor is one of an upload that has been replaced: its reports are forgotten.
                if session.store_upload_id != store_upload_id:
                    raise StoreUploadGoneError from None
        return session


def _is_worth_noting(session: UploadSession, now: datetime) -> bool:
    grain = min(ACTIVITY_GRAIN, (session.expires_at - session.active_at) / _NOTES_PER_LIFETIME)
    # Both ways: activity counts by the repository's clock, and this one may be behind it.
    return session.state is SessionState.INITIATED or abs(now - session.active_at) >= grain
