"""Open a session's upload in the object store: the first, or another after a loss."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ..domain.errors import LeaseHeldError, StaleSessionError, UploadError
from ..domain.policy import UploadPolicy
from ..domain.session import UploadSession
from .leases import LeaseBackoff, LeasedSession, new_lease
from .observer import NO_OBSERVER, Observer
from .ports import NewObject, ObjectStore, OpenedUpload, SessionRepository


@dataclass(frozen=True, slots=True)
class OpenStoreUpload:
    """Open an upload once, however many callers ask for it at the same time.

    Raise LeaseHeldError while another caller opens it, and TransitionError for a session that has
    been completed or aborted.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy
    observer: Observer = NO_OBSERVER

    async def __call__(self, session: UploadSession) -> UploadSession:
        """Return the session with its upload, which this or another caller has opened."""
        backoff = LeaseBackoff(self.policy.wait, self.observer)
        while True:
            try:
                return await self._open_if_needed(session.id)
            except (LeaseHeldError, StaleSessionError) as exc:
                await backoff.pause(exc)

    async def open(self, held: LeasedSession) -> UploadSession:
        """Open the upload of a session that the caller holds."""
        opened = await self._create(held.session)
        now = await self.sessions.now()
        try:
            return await held.finish(
                held.session.initiated(opened.store_upload_id, now, opened.abort_date)
            )
        except StaleSessionError:
            return await self._settle_overtaken(held.session, opened)

    async def _open_if_needed(self, upload_id: str) -> UploadSession:
        session = await self.sessions.get(upload_id)
        if session.store_upload_id is not None:
            return session
        lease = await new_lease(self.sessions, self.policy.lease)
        session = await self.sessions.save(session.opening(lease.terms, lease.now))
        async with lease.hold(session) as held:
            return await self.open(held)

    async def _create(self, session: UploadSession) -> OpenedUpload:
        # Reports on the upload that the store has lost do not describe the next one.
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

    async def _settle_overtaken(
        self, session: UploadSession, opened: OpenedUpload
    ) -> UploadSession:
        """Return the session if our write was stored; otherwise abort the upload just opened."""
        stored = await self.sessions.get(session.id)
        if stored.store_upload_id == opened.store_upload_id:
            return stored
        # Another caller has ended the session or opened another upload: no session has this one.
        with suppress(UploadError):
            await self.store.abort_upload(session.key, opened.store_upload_id)
        raise StaleSessionError
