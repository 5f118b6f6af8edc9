"""Throw an upload away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ..domain.policy import UploadPolicy
from ..domain.session import Lease, SessionState, UploadSession
from .lease_waiting import retry_while_leased
from .leases import LeasedSession
from .ports import ObjectStore, SessionRepository
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True)
class AbortUpload:
    """Throw the parts away and end the session; repeating it changes nothing.

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

    async def _aborted(self, address: SessionReference) -> UploadSession:
        session = await address.find_in(self.sessions)
        if session.state is SessionState.ABORTED:
            return session
        return await self.thrown_away(session.aborting)

    async def _cleared(self, session: UploadSession) -> None:
        # By its own id first: some stores list no upload that they had open before a restart.
        if session.store_upload_id is not None:
            await self.store.abort_upload(session.key, session.store_upload_id)
        # What a create has left of which only the answer was lost. The key is this session's own.
        for upload in await self.store.list_uploads(session.key):
            await self.store.abort_upload(session.key, upload.store_upload_id)
