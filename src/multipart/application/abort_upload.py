"""Throw an upload away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ..domain.errors import TransitionError
from ..domain.policy import UploadPolicy
from ..domain.session import Lease, SessionState, UploadSession
from .lease_waiting import retry_while_leased
from .leases import LeasedSession
from .lost_uploads import find_own_object
from .ports import ObjectStore, SessionRepository
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True)
class AbortUpload:
    """Throw the parts away and end the session; repeating it changes nothing.

    A complete that was interrupted is no obstacle once its lease has ended, unless it has
    committed: the session is completed then.
    Raise SessionNotFoundError, LeaseHeldError while another caller does it and does not end in
    time, and TransitionError for one that is pending, is being completed, is completed or has
    expired.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy

    async def __call__(self, address: SessionReference) -> UploadSession:
        return await retry_while_leased(partial(self._aborted, address), self.policy.wait)

    async def thrown_away(self, claim: Callable[[Lease, datetime], UploadSession]) -> UploadSession:
        """End a session as the claim says: aborted or expired."""
        # The intent first: from here on nobody signs or completes, and a retry ends the rest.
        held = await LeasedSession.claimed(self.sessions, self.policy.lease, claim)
        await held.working(self._cleared(held.session))
        now = await self.sessions.now()
        return await held.moved(lambda session: session.ended(now, self.policy.retention))

    async def require_uncommitted(self, session: UploadSession) -> None:
        """Find out what became of a complete that was interrupted.

        If it has committed, save the session as completed. Raise TransitionError then, and while
        the caller that completes it holds the lease. Nothing is claimed here: a complete that
        begins meanwhile moves the session's version, and the next step fails.
        """
        now = await self.sessions.now()
        if session.is_leased(now):
            raise TransitionError("abort", session.state)
        found = await find_own_object(session, self.store)
        if found is not None:
            result = session.completed(found, now, self.policy.retention)
            raise TransitionError("abort", (await self.sessions.save(result)).state)

    async def _aborted(self, address: SessionReference) -> UploadSession:
        session = await address.find_in(self.sessions)
        if session.state is SessionState.ABORTED:
            return session
        if session.state is SessionState.COMPLETING:
            await self.require_uncommitted(session)
        return await self.thrown_away(session.aborting)

    async def _cleared(self, session: UploadSession) -> None:
        # By its own id first: some stores list no upload that they had open before a restart.
        if session.store_upload_id is not None:
            await self.store.abort_upload(session.key, session.store_upload_id)
        # What a create has left of which only the answer was lost. The key is this session's own.
        for upload in await self.store.list_uploads(session.key):
            await self.store.abort_upload(session.key, upload.store_upload_id)
