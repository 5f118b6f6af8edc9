"""Join the parts into the object."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from ..errors import (
    PartsMissingError,
    PartsRefusedError,
    SessionNotFoundError,
    StaleSessionError,
    StoreUploadGoneError,
)
from ..model import Part, SessionState, StoredObject, StoredPart, UploadSession
from ..ports import Clock, ObjectStore, SessionRepository
from ..reconciliation import reconciled
from .address import SessionAddress
from .leases import given_back, new_lease
from .policy import UploadPolicy

_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class CompleteUpload:
    """Join the parts; repeating it gives the same result.

    Raise SessionNotFoundError also when no part is anywhere, PartsMissingError or PartsRefusedError
    with the session open and its parts kept, LeaseHeldError while another caller does it, and
    TransitionError for a session that was aborted or has expired.
    """

    sessions: SessionRepository
    store: ObjectStore
    clock: Clock
    policy: UploadPolicy

    async def __call__(self, address: SessionAddress) -> UploadSession:
        for _ in range(_ATTEMPTS):
            session = await address.find_in(self.sessions)
            if session.state is SessionState.COMPLETED:
                return session
            with suppress(StaleSessionError):  # somebody moved it: look again
                return await self._joined(await self._claimed(await self._begun(session)))
        raise StaleSessionError

    async def _begun(self, session: UploadSession) -> UploadSession:
        """Move on a session of which parts are somewhere, but that no report has moved."""
        if session.state is SessionState.PENDING:
            raise SessionNotFoundError
        if session.state is not SessionState.INITIATED:
            return session
        stored = await self.store.list_parts(session.key, session.open_store_upload_id)
        if not stored and not await self.sessions.count_parts(session.id):
            raise SessionNotFoundError
        return await self.sessions.save(session.part_recorded(self.clock.now()))

    async def _claimed(self, session: UploadSession) -> UploadSession:
        # Claimed before the parts are read: what is reported from here on is too late and refused.
        now = self.clock.now()
        return await self.sessions.save(session.completing(new_lease(now, self.policy.lease), now))

    async def _joined(self, session: UploadSession) -> UploadSession:
        async with given_back(self.sessions, session):
            try:
                result = await self._object(session)
            except (PartsMissingError, PartsRefusedError, StoreUploadGoneError):
                await self.sessions.save(session.completion_refused(self.clock.now()))
                raise
            return await self.sessions.save(session.completed(result, self.clock.now()))

    async def _object(self, session: UploadSession) -> StoredObject:
        store_upload_id = session.open_store_upload_id
        try:
            parts = await self._parts(session, store_upload_id)
            joined = await self.store.complete_upload(session.key, store_upload_id, parts)
            # The answer to a complete does not tell the metadata, and none but ours was joined.
            return replace(joined, upload_id=session.id)
        except StoreUploadGoneError:
            # S3 may have joined the parts before and only the answer was lost. Our id in the
            # object's metadata proves that the object is this session's.
            found = await self.store.head_object(session.key)
            if found is None or found.upload_id != session.id:
                raise
            return found

    async def _parts(self, session: UploadSession, store_upload_id: str) -> Sequence[StoredPart]:
        stored = await self.store.list_parts(session.key, store_upload_id)
        reported = await self.sessions.list_parts(session.id)
        parts = reconciled(session.plan, reported, stored)
        await self._take_in(session, reported, parts)
        return parts

    async def _take_in(
        self, session: UploadSession, reported: Sequence[Part], stored: Sequence[StoredPart]
    ) -> None:
        """Record the parts of a client that died before reporting them; a report stays."""
        reports = {part.number: part for part in reported}
        unreported = [
            Part.found(part)
            for part in stored
            if (report := reports.get(part.number)) is None or report.is_outdated_by(part)
        ]
        if unreported:
            await self.sessions.record_parts(session.id, unreported)
