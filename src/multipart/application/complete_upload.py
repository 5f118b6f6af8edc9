"""Join the parts into the object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..domain.errors import (
    PartsMissingError,
    PartsRefusedError,
    PartsUnnamedError,
    SessionNotFoundError,
    StoreRefusedError,
    StoreUploadGoneError,
)
from ..domain.named_parts import NamedPart, require_named
from ..domain.part import Part, StoredPart
from ..domain.policy import UploadPolicy
from ..domain.reconciliation import reconciled
from ..domain.session import SessionState, StoredObject, UploadSession
from .lease_waiting import retry_while_leased
from .leases import LeasedSession
from .lost_uploads import find_own_object, mark_as_lost
from .ports import ObjectStore, SessionRepository
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True)
class CompleteUpload:
    """Join the parts; repeating it gives the same result, while another caller does it as well.

    A client may name the parts that it means, in any order: then exactly these are joined or none,
    and a completed session answers only the same list with its result.
    Raise SessionNotFoundError also when no part is anywhere, PartsMissingError, PartsUnnamedError,
    PartsRefusedError or StoreRefusedError with the session open and its parts kept,
    StoreUploadGoneError with it open for all parts again (PartsMissingError if they were named),
    LeaseHeldError while another caller does it and does not end in time, and TransitionError for a
    session that was aborted or has expired.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy

    async def __call__(
        self, address: SessionReference, named: Sequence[NamedPart] | None = None
    ) -> UploadSession:
        attempt = partial(self._completed, address, named)
        try:
            return await retry_while_leased(attempt, self.policy.wait)
        except StoreUploadGoneError:
            if not named:
                raise
            raise _all_missing(named) from None

    async def joined(
        self, session: UploadSession, named: Sequence[NamedPart] | None = None
    ) -> UploadSession:
        """Complete a session that is in progress, or that somebody began to complete and left."""
        is_retry = session.state is SessionState.COMPLETING
        # Claimed before the parts are read: what is reported from here on is too late and refused.
        held = await LeasedSession.claimed(self.sessions, self.policy.lease, session.completing)
        try:
            result = await held.working(self._object(held.session, named))
        except (PartsMissingError, PartsUnnamedError, PartsRefusedError):
            await self._reopen(held)
            raise
        except StoreRefusedError:
            # Refused before the complete was sent; but an earlier one may have committed.
            found = await find_own_object(held.session, self.store) if is_retry else None
            if found is None:
                await self._reopen(held)
                raise
            result = found
        except StoreUploadGoneError:
            await held.moved(UploadSession.store_upload_lost)
            raise
        now = await self.sessions.now()
        return await held.moved(
            lambda session: session.completed(result, now, self.policy.retention)
        )

    async def _reopen(self, held: LeasedSession) -> None:
        now = await self.sessions.now()
        await held.moved(lambda session: session.completion_refused(now))

    async def _completed(
        self, address: SessionReference, named: Sequence[NamedPart] | None
    ) -> UploadSession:
        session = await address.find_in(self.sessions)
        if session.state is not SessionState.COMPLETED:
            session = await self.joined(await self._begun(session, named), named)
        if named is not None:
            # Another caller, or an earlier complete whose answer was lost, may have joined them.
            recorded = await self.sessions.list_parts(session.id)
            require_named(session.state, named, {part.number: part.etag for part in recorded})
        return session

    async def _begun(
        self, session: UploadSession, named: Sequence[NamedPart] | None
    ) -> UploadSession:
        """Move on a session of which parts are somewhere, but that no report has moved."""
        if session.state is SessionState.PENDING:
            raise SessionNotFoundError
        if session.state is not SessionState.INITIATED:
            return session
        store_upload_id = session.open_store_upload_id
        try:
            stored = await self.store.list_parts(session.key, store_upload_id)
        except StoreUploadGoneError:
            await mark_as_lost(session, self.sessions, self.store)
            raise
        # Not counted: a count may be ahead of the parts by a report that nobody was answered.
        if not stored and not await self.sessions.list_parts(session.id):
            raise _all_missing(named) if named else SessionNotFoundError
        return await self.sessions.save(session.part_recorded(await self.sessions.now()))

    async def _object(
        self, session: UploadSession, named: Sequence[NamedPart] | None
    ) -> StoredObject:
        store_upload_id = session.open_store_upload_id
        try:
            parts = await self._parts(session, store_upload_id)
            if named is not None:
                # On the very list that the store is to join: a PUT may come at any moment, and the
                # store refuses an ETag that is no longer the part's.
                etags = {part.number: part.etag for part in parts}
                require_named(SessionState.IN_PROGRESS, named, etags)
            joined = await self.store.complete_upload(session.key, store_upload_id, parts)
            # The answer to a complete does not tell the metadata, and none but ours was joined.
            return replace(joined, upload_id=session.id, nonce=session.nonce)
        except StoreUploadGoneError:
            # S3 may have joined the parts before and only the answer was lost.
            if (found := await find_own_object(session, self.store)) is None:
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


def _all_missing(named: Sequence[NamedPart]) -> PartsMissingError:
    return PartsMissingError(SessionState.INITIATED, sorted({part.number for part in named}), [])
