"""Throw an upload away."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import SessionState, UploadSession
from ..ports import Clock, ObjectStore, SessionRepository
from .address import SessionAddress
from .leases import given_back, new_lease
from .policy import UploadPolicy


@dataclass(frozen=True, slots=True)
class AbortUpload:
    """Throw the parts away and end the session; repeating it changes nothing.

    Raise SessionNotFoundError, LeaseHeldError while another caller does it, StaleSessionError when
    another caller changed the session first, and TransitionError for one that is pending, is being
    completed, is completed or has expired.
    """

    sessions: SessionRepository
    store: ObjectStore
    clock: Clock
    policy: UploadPolicy

    async def __call__(self, address: SessionAddress) -> UploadSession:
        session = await address.find_in(self.sessions)
        if session.state is SessionState.ABORTED:
            return session
        now = self.clock.now()
        # The intent first: from here on nobody signs or completes, and a retry ends the rest.
        claimed = await self.sessions.save(session.aborting(new_lease(now, self.policy.lease), now))
        async with given_back(self.sessions, claimed):
            if claimed.store_upload_id is not None:
                await self.store.abort_upload(claimed.key, claimed.store_upload_id)
            return await self.sessions.save(claimed.ended(self.clock.now()))
