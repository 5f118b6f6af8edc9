"""List the parts of an upload."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from ..domain.errors import StoreUploadGoneError
from ..domain.part import Part, PartState, StoredPart
from ..domain.session import SessionState, UploadSession
from .lost_uploads import mark_as_lost
from .ports import ObjectStore, SessionRepository
from .session_reference import SessionReference

LARGE_LIST: Final = 500
"""Parts in the plan beyond which a list waits for its turn."""
LARGE_LISTS_AT_ONCE: Final = 2
_CHUNK: Final = 1000
"""Parts that are merged in one go: between two chunks the event loop serves others."""


@dataclass(frozen=True, slots=True)
class ListParts:
    """Return the session and its parts, recorded or only in the store, by ascending number.

    A part is `verified` if the store agrees with it. If the store has lost the upload, there are
    none, and the session is saved as lost. Raise SessionNotFoundError.

    Long lists are read and merged a few at a time, so that they do not delay other requests. No
    list waits while another one waits for the store.
    """

    sessions: SessionRepository
    store: ObjectStore
    large_lists: asyncio.Semaphore
    """With LARGE_LISTS_AT_ONCE, shared by all users of one event loop."""

    async def __call__(self, reference: SessionReference) -> tuple[UploadSession, Sequence[Part]]:
        session = await reference.find_in(self.sessions)
        async with self._take_turn(session):
            reported = await self.sessions.list_parts(session.id)
        stored: Sequence[StoredPart] = []
        try:
            if session.store_upload_id is not None and not session.state.is_terminal:
                stored = await self.store.list_parts(session.key, session.store_upload_id)
        except StoreUploadGoneError:
            session = await mark_as_lost(session, self.sessions, self.store)
        async with self._take_turn(session):
            return session, await _merge_parts(session, reported, stored)

    @asynccontextmanager
    async def _take_turn(self, session: UploadSession) -> AsyncIterator[None]:
        if session.plan is not None and session.plan.part_count <= LARGE_LIST:
            yield
            return
        async with self.large_lists:
            yield


async def _merge_parts(
    session: UploadSession, reported: Sequence[Part], stored: Sequence[StoredPart]
) -> Sequence[Part]:
    if session.is_lost:
        return []
    reports = {part.number: part for part in reported}
    held = {part.number: part for part in stored}
    merged: list[Part] = []
    for number in sorted(reports.keys() | held.keys()):
        merged.append(_verify_part(session, reports.get(number), held.get(number)))
        if len(merged) % _CHUNK == 0:
            await asyncio.sleep(0)
    return merged


def _verify_part(session: UploadSession, report: Part | None, stored: StoredPart | None) -> Part:
    if report is not None and session.state is SessionState.COMPLETED:
        # The object was made of exactly these; the store no longer lists them.
        return replace(report, state=PartState.VERIFIED)
    if report is not None:
        return report.verify_against(stored)
    assert stored is not None  # noqa: S101  # for mypy: one of them is given
    return Part.from_store(stored)
