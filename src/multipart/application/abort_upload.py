"""Abort an upload and discard its parts."""

from __future__ import annotations

from dataclasses import dataclass

from ..domain.errors import LeaseHeldError, StaleSessionError, TransitionError
from ..domain.policy import UploadPolicy
from ..domain.session import SessionState, UploadSession
from .check_object import CheckObject
from .leases import LeaseBackoff, NewLease, new_lease
from .lost_uploads import find_own_object
from .observer import NO_OBSERVER, Observer
from .ports import ObjectStore, SessionRepository
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True)
class AbortUpload:
    """Discard the parts and end the session; repeating it changes nothing.

    An interrupted complete does not prevent it once its lease has ended. If that complete has
    committed, the session is saved as completed instead.
    Raise SessionNotFoundError; LeaseHeldError when another caller holds the lease for too long; and
    TransitionError for a session that is pending, completing, completed or expired.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy
    check_object: CheckObject
    observer: Observer = NO_OBSERVER

    async def __call__(self, reference: SessionReference) -> UploadSession:
        backoff = LeaseBackoff(self.policy.wait, self.observer)
        while True:
            try:
                return await self._abort(reference)
            except (LeaseHeldError, StaleSessionError) as exc:
                await backoff.pause(exc)

    async def expire(self, session: UploadSession) -> UploadSession:
        """End a session that is idle or too old; an interrupted abort ends as aborted."""
        lease = await new_lease(self.sessions, self.policy.lease)
        return await self._discard(session.expiring(lease.terms, lease.now), lease)

    async def require_uncommitted(self, session: UploadSession) -> UploadSession:
        """Require that an interrupted complete has not committed, and return the session.

        If it has, save the session as completed and raise TransitionError; an object that is
        refused does not count, and the session returned is aborting. Raise TransitionError also
        while another caller holds the lease. This takes no lease: a complete that begins during the
        check changes the session's version, so the caller's next save fails.
        """
        now = await self.sessions.now()
        if session.is_leased(now):
            raise TransitionError("abort", session.state)
        found = await find_own_object(session, self.store)
        if found is None:
            return session
        detected = await self.check_object.detect_type(session, found)
        saved = await self.sessions.save(self.check_object.conclude(session, found, detected, now))
        if saved.is_object_refused:
            return saved
        raise TransitionError("abort", saved.state)

    async def _abort(self, reference: SessionReference) -> UploadSession:
        session = await reference.find_in(self.sessions)
        if session.state is SessionState.ABORTED:
            return session
        if session.state is SessionState.COMPLETING:
            session = await self.require_uncommitted(session)
        lease = await new_lease(self.sessions, self.policy.lease)
        return await self._discard(session.aborting(lease.terms, lease.now), lease)

    async def _discard(self, session: UploadSession, lease: NewLease) -> UploadSession:
        # The intent first: from here on nothing is signed or completed, and if this process dies, a
        # retry or the sweep finishes.
        session = await self.sessions.save(session)
        async with lease.hold(session) as held:
            await self._discard_in_store(session)
            now = await self.sessions.now()
            return await held.finish(held.session.ended(now, self.policy.retention))

    async def _discard_in_store(self, session: UploadSession) -> None:
        # By its own id first: some stores do not list uploads from before their restart.
        if session.store_upload_id is not None:
            await self.store.abort_upload(session.key, session.store_upload_id)
        # Then uploads whose id was never saved after their create. Only this session has the key.
        for upload in await self.store.list_uploads(session.key):
            await self.store.abort_upload(session.key, upload.store_upload_id)
        if session.is_object_refused and await find_own_object(session, self.store) is not None:
            await self.store.delete_object(session.key)
