"""Open a session's upload in the object store: at first, or anew once the store has lost it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from ..domain.errors import StaleSessionError, UploadError
from ..domain.policy import UploadPolicy
from ..domain.session import UploadSession
from .lease_waiting import retry_while_leased
from .leases import LeasedSession
from .ports import NewObject, ObjectStore, OpenedUpload, SessionRepository


@dataclass(frozen=True, slots=True)
class OpenStoreUpload:
    """Open an upload once, however many callers ask for it at the same time.

    Raise LeaseHeldError while another caller does it, and TransitionError for a session that has
    been completed or aborted.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy

    async def __call__(self, session: UploadSession) -> UploadSession:
        """Give the session with its upload, which the caller who comes first opens."""
        return await retry_while_leased(partial(self._opened, session.id), self.policy.wait)

    async def claimed(self, held: LeasedSession) -> UploadSession:
        """Open the upload of a session that the caller has for itself."""
        opened = await held.working(self._created(held.session))
        now = await self.sessions.now()
        try:
            return await held.moved(
                lambda session: session.initiated(opened.store_upload_id, now, opened.abort_date)
            )
        except StaleSessionError:
            return await self._overtaken(held.session, opened)

    async def _opened(self, upload_id: str) -> UploadSession:
        session = await self.sessions.get(upload_id)
        if session.store_upload_id is not None:
            return session
        held = await LeasedSession.claimed(self.sessions, self.policy.lease, session.opening)
        return await self.claimed(held)

    async def _created(self, session: UploadSession) -> OpenedUpload:
        # What was reported of an upload that the store has lost says nothing of the next one.
        if session.is_lost:
            await self.sessions.forget_parts(session.id)
        return await self.store.create_upload(
            NewObject(
                key=session.key,
                upload_id=session.id,
                nonce=session.nonce,
                filename=session.filename,
                content_type=session.content_type,
                metadata=session.metadata,
            )
        )

    async def _overtaken(self, session: UploadSession, opened: OpenedUpload) -> UploadSession:
        stored = await self.sessions.get(session.id)
        if stored.store_upload_id == opened.store_upload_id:
            # Our own write arrived, and only its answer was lost.
            return stored
        # Somebody ended the session or opened another upload meanwhile: this one is nobody's.
        with suppress(UploadError):
            await self.store.abort_upload(session.key, opened.store_upload_id)
        raise StaleSessionError
