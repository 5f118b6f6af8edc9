"""Complete an upload: have the store assemble the object from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..domain.checksum import CHECKSUM_FIELD
from ..domain.errors import (
    ChecksumMismatchError,
    ContentRefusedError,
    FileTooLargeError,
    InvalidFieldError,
    LeaseHeldError,
    PartsMissingError,
    PartsRefusedError,
    PartsUnnamedError,
    SessionNotFoundError,
    StaleSessionError,
    StoreRefusedError,
    StoreUploadGoneError,
)
from ..domain.named_parts import NamedPart, require_named
from ..domain.part import Part, StoredPart
from ..domain.policy import UploadPolicy
from ..domain.reconciliation import reconcile_parts
from ..domain.session import DISCARDED_STATES, SessionState, StoredObject, UploadSession
from .abort_upload import AbortUpload
from .check_object import CheckObject, require_accepted
from .leases import LeaseBackoff, LeasedSession, new_lease
from .lost_uploads import find_own_object, mark_as_lost
from .observer import NO_OBSERVER, Observer
from .ports import ObjectStore, SessionRepository
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True)
class CompleteUpload:
    """Assemble the object from the parts; repeating it gives the same result.

    A client may name the parts, in any order. Then the object has exactly these, or the complete is
    refused, and a completed session returns its result only for the same list.

    Raise
    - SessionNotFoundError, also when the session has no part;
    - FileTooLargeError when the parts have more bytes than the policy, the store or the session's
      declared size allows, after which the session is aborted;
    - InvalidFieldError for a checksum that is not the one declared before, and
      ChecksumMismatchError when the object has another one than declared, after which the object is
      deleted and the session aborted, unless it was completed before;
    - ContentRefusedError when the object is not of the declared type and the policy refuses that,
      after which the object is deleted and the session aborted;
    - PartsMissingError, PartsUnnamedError, PartsRefusedError or StoreRefusedError, after which the
      session is open and has its parts;
    - StoreUploadGoneError (PartsMissingError if the parts were named) when the store has lost the
      upload, after which the session is open and all parts must be sent again;
    - LeaseHeldError when another caller holds the lease for too long;
    - TransitionError for a session that was aborted or has expired.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy
    abort_upload: AbortUpload
    check_object: CheckObject
    observer: Observer = NO_OBSERVER

    async def __call__(
        self,
        reference: SessionReference,
        named: Sequence[NamedPart] | None = None,
        checksum: str | None = None,
    ) -> UploadSession:
        backoff = LeaseBackoff(self.policy.wait, self.observer)
        while True:
            try:
                return await self._complete_or_read(reference, named, checksum)
            except (LeaseHeldError, StaleSessionError) as exc:
                await backoff.pause(exc)
            except StoreUploadGoneError:
                if not named:
                    raise
                raise _all_missing(named) from None

    async def complete(
        self,
        session: UploadSession,
        named: Sequence[NamedPart] | None = None,
        checksum: str | None = None,
    ) -> UploadSession:
        """Complete a session that is in progress, or whose complete was interrupted."""
        try:
            return await self._complete(session, named, checksum)
        except (FileTooLargeError, ContentRefusedError, ChecksumMismatchError):
            # Refused for good. If this process dies here, parts that are too many are refused and
            # discarded at the next complete, or expire; the sweep deletes a refused object.
            await self.abort_upload(
                SessionReference(upload_id=session.id, key=session.key, user_id=session.user_id)
            )
            raise

    async def _complete(
        self, session: UploadSession, named: Sequence[NamedPart] | None, checksum: str | None
    ) -> UploadSession:
        is_retry = session.state is SessionState.COMPLETING
        lease = await new_lease(self.sessions, self.policy.lease)
        # Before the parts are read: from here on, reports of parts are refused.
        session = await self.sessions.save(session.completing(lease.terms, lease.now, checksum))
        async with lease.hold(session) as held:
            try:
                result = await self._complete_in_store(session, named)
            except FileTooLargeError as exc:
                now = await self.sessions.now()
                await held.finish(held.session.size_refused(exc.size, now))
                raise
            except (PartsMissingError, PartsUnnamedError, PartsRefusedError):
                await self._reopen(held)
                raise
            except StoreRefusedError:
                # This complete was not sent, but an earlier one may have committed.
                found = await find_own_object(session, self.store) if is_retry else None
                if found is None:
                    await self._reopen(held)
                    raise
                result = found
            except StoreUploadGoneError:
                now = await self.sessions.now()
                await held.finish(held.session.store_upload_lost(now))
                raise
            detected = await self.check_object.detect_type(session, result)
            now = await self.sessions.now()
            ended = self.check_object.conclude(held.session, result, detected, now)
            session = await held.finish(ended)
        require_accepted(session)
        return session

    async def _reopen(self, held: LeasedSession) -> None:
        now = await self.sessions.now()
        await held.finish(held.session.completion_refused(now))

    async def _complete_or_read(
        self,
        reference: SessionReference,
        named: Sequence[NamedPart] | None,
        checksum: str | None,
    ) -> UploadSession:
        session = await reference.find_in(self.sessions)
        if session.state in DISCARDED_STATES and session.refused_size is not None:
            raise FileTooLargeError(session.refused_size, self._size_limit(session))
        require_accepted(session)
        _require_same(session, checksum)
        if session.state is not SessionState.COMPLETED:
            session = await self._require_parts(session, named)
            session = await self.complete(session, named, checksum)
        if named is not None:
            # Another caller, or an earlier complete whose answer was lost, may have completed it.
            recorded = await self.sessions.list_parts(session.id)
            require_named(session.state, named, {part.number: part.etag for part in recorded})
        return session

    async def _require_parts(
        self, session: UploadSession, named: Sequence[NamedPart] | None
    ) -> UploadSession:
        """Move a session to in-progress whose parts were sent, but whose reports did not arrive."""
        if session.state is SessionState.PENDING:
            raise SessionNotFoundError
        if session.state is not SessionState.INITIATED:
            return session
        store_upload_id = session.open_store_upload_id
        try:
            stored = await self.store.list_parts(session.key, store_upload_id)
        except StoreUploadGoneError:
            if (await mark_as_lost(session, self.sessions, self.store)).is_lost:
                raise
            # Another caller has completed or ended it since it was read.
            raise StaleSessionError from None
        # Listed, not counted: a report that failed may leave the count ahead of the parts.
        if not stored and not await self.sessions.list_parts(session.id):
            raise _all_missing(named) if named else SessionNotFoundError
        return await self.sessions.save(session.part_recorded(await self.sessions.now()))

    async def _complete_in_store(
        self, session: UploadSession, named: Sequence[NamedPart] | None
    ) -> StoredObject:
        store_upload_id = session.open_store_upload_id
        try:
            parts = await self._find_parts(session, store_upload_id)
            if named is not None:
                # Checked on the list that the store gets: a PUT may arrive at any time, and the
                # store refuses an ETag that is no longer the part's.
                etags = {part.number: part.etag for part in parts}
                require_named(SessionState.IN_PROGRESS, named, etags)
            result = await self.store.complete_upload(session.key, store_upload_id, parts)
            # The store's answer lacks the metadata, and the upload was ours.
            return replace(result, upload_id=session.id, nonce=session.nonce)
        except StoreUploadGoneError:
            # S3 may have completed it before, and only the answer was lost.
            if (found := await find_own_object(session, self.store)) is None:
                raise
            return found

    async def _find_parts(
        self, session: UploadSession, store_upload_id: str
    ) -> Sequence[StoredPart]:
        stored = await self.store.list_parts(session.key, store_upload_id)
        reported = await self.sessions.list_parts(session.id)
        parts = reconcile_parts(
            session.plan,
            reported,
            stored,
            equal_sizes=self.store.capabilities.equal_part_sizes,
        )
        self._require_size(session, sum(part.size for part in parts))
        await self._record_unreported(session, reported, parts)
        return parts

    def _require_size(self, session: UploadSession, size: int) -> None:
        # Here, because nothing limits the parts of an upload without a plan.
        limit = self._size_limit(session)
        if session.plan is None and size > limit:
            raise FileTooLargeError(size, limit)

    def _size_limit(self, session: UploadSession) -> int:
        declared = self.policy.max_size if session.max_size is None else session.max_size
        return min(declared, self.policy.max_size, self.store.capabilities.max_object_size)

    async def _record_unreported(
        self, session: UploadSession, reported: Sequence[Part], stored: Sequence[StoredPart]
    ) -> None:
        """Record the parts that only the store has; reported parts stay as they are."""
        reports = {part.number: part for part in reported}
        unreported = [
            Part.from_store(part)
            for part in stored
            if (report := reports.get(part.number)) is None or report.is_outdated_by(part)
        ]
        if unreported:
            await self.sessions.record_parts(session.id, unreported)


def _require_same(session: UploadSession, checksum: str | None) -> None:
    """Require that a complete declares the checksum of the start and of the finished object.

    Raise InvalidFieldError or ChecksumMismatchError; the session stays as it is.
    """
    if checksum is None:
        return
    if session.checksum not in {None, checksum}:
        raise InvalidFieldError(CHECKSUM_FIELD, "must be the one declared before")
    found = session.result.checksum if session.result else None
    if found not in {None, checksum}:
        raise ChecksumMismatchError(checksum, str(found))


def _all_missing(named: Sequence[NamedPart]) -> PartsMissingError:
    return PartsMissingError(SessionState.INITIATED, sorted({part.number for part in named}), [])
