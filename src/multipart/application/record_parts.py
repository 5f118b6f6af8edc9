"""Record that a client has uploaded parts, one or many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ..domain.errors import (
    FieldError,
    InvalidFieldError,
    InvalidFieldsError,
    StaleSessionError,
    StoreUploadGoneError,
)
from ..domain.part import Part
from ..domain.part_rules import require_part
from ..domain.session import SessionState, UploadSession
from ..domain.store_capabilities import StoreCapabilities
from .ports import Clock, ObjectStore
from .session_cache import SessionCache
from .session_reference import SessionReference

# A session expires by its last activity. Saving it ten times in a lifetime, at most hourly, saves
# one write per part.
ACTIVITY_GRAIN: Final = timedelta(hours=1)
_SAVES_PER_LIFETIME: Final = 10
_ATTEMPTS: Final = 3
_CHUNK: Final = 1000
"""Parts that are validated in one go, in 2 ms; then the event loop serves other requests."""


@dataclass(frozen=True, slots=True)
class PartReport:
    """What a client reports about a part that the store has taken; `size` in bytes if known."""

    number: int
    etag: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedPart:
    """The session's state once the part is recorded, and the number of recorded parts."""

    status: SessionState
    parts_recorded: int


@dataclass(frozen=True, slots=True)
class RecordParts:
    """Record parts of an open session; the last report of a number wins.

    Raise SessionNotFoundError, TransitionError when the session is not open or has reached its
    maximum age, InvalidFieldError for a part that is not in the plan, and StoreUploadGoneError when
    the store has lost the upload.
    """

    sessions: SessionCache
    store: ObjectStore
    clock: Clock

    async def record_one(
        self, reference: SessionReference, part_number: int, etag: str, size: int | None = None
    ) -> RecordedPart:
        """Record one part."""
        session = await self._find_recordable(reference)
        require_part(session, part_number, size, self.store.capabilities, size_field="size")
        now = self.clock.now()
        report = PartReport(part_number, etag, size)
        return await self._record(session, [_to_part(report, self.store.capabilities, now)], now)

    async def record_many(
        self, reference: SessionReference, reports: Iterable[PartReport]
    ) -> RecordedPart:
        """Record parts in order, once all of them are validated.

        InvalidFieldsError names every wrong part by its index.
        """
        session = await self._find_recordable(reference)
        now = self.clock.now()
        parts = await _validate_reports(session, reports, self.store.capabilities, now)
        return await self._record(session, parts, now)

    async def _find_recordable(self, reference: SessionReference) -> UploadSession:
        # From the cache: key, user and plan never change, and whether the session is still open is
        # decided when the part is stored.
        session = reference.require_match(await self.sessions.get_recent(reference.upload_id))
        session.require_recordable()
        session.require_young("record a part of", self.clock.now())
        return session

    async def _record(
        self, session: UploadSession, parts: Sequence[Part], now: datetime
    ) -> RecordedPart:
        # The parts first: whatever fails afterwards, a session in progress has a part.
        session, count = await self._report(session, parts)
        return RecordedPart((await self._save_activity(session, now)).state, count)

    async def _report(
        self, session: UploadSession, parts: Sequence[Part]
    ) -> tuple[UploadSession, int]:
        for _ in range(_ATTEMPTS):
            try:
                return session, await self.sessions.report_parts(session, parts)
            except StaleSessionError:
                # The session may have another store upload by now, and a report does not say which
                # one it is for. Completing compares the parts with the store's, which
                # detects a report for the previous upload.
                session = await self.sessions.get(session.id)
                session.require_recordable()
        raise StaleSessionError

    async def _save_activity(self, session: UploadSession, now: datetime) -> UploadSession:
        while _is_activity_due(session, now):
            try:
                return await self.sessions.save(session.part_recorded(await self.sessions.now()))
            except StaleSessionError:  # another part was faster, or a caller took the lease
                store_upload_id = session.store_upload_id
                session = await self.sessions.get(session.id)
                # The caller with the lease may have read the parts before: this one may be missing.
                session.require_recordable()
                # If the store upload was replaced, this report was removed with the old one.
                if session.store_upload_id != store_upload_id:
                    raise StoreUploadGoneError from None
        return session


def _is_activity_due(session: UploadSession, now: datetime) -> bool:
    grain = min(ACTIVITY_GRAIN, (session.expires_at - session.active_at) / _SAVES_PER_LIFETIME)
    # In both directions: `active_at` is the repository's time, and our clock may be behind it.
    return session.state is SessionState.INITIATED or abs(now - session.active_at) >= grain


def _to_part(report: PartReport, store: StoreCapabilities, now: datetime) -> Part:
    # What a client reports where the store answers no ETag is not in the store's list either.
    etag = report.etag if store.answers_etag else ""
    return Part.from_report(report.number, etag, report.size, now)


async def _validate_reports(
    session: UploadSession, reports: Iterable[PartReport], store: StoreCapabilities, now: datetime
) -> list[Part]:
    parts: list[Part] = []
    wrong: list[FieldError] = []
    for index, report in enumerate(reports):
        try:
            require_part(
                session,
                report.number,
                report.size,
                store,
                number_field=f"parts[{index}].part_number",
                size_field=f"parts[{index}].size",
            )
        except InvalidFieldError as exc:
            wrong += exc.wrong
        parts.append(_to_part(report, store, now))
        if index % _CHUNK == _CHUNK - 1:
            await asyncio.sleep(0)
    if wrong:
        raise InvalidFieldsError(wrong)
    return parts
