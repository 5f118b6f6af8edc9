"""Sign a URL on which a client PUTs one part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ..domain.part_rules import require_part
from ..domain.policy import UploadPolicy
from ..domain.session import UploadSession
from .open_store_upload import OpenStoreUpload
from .ports import Clock, ObjectStore, SignedPart
from .session_cache import SessionCache
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True)
class SignPart:
    """Sign one part of an open session; the repository is not asked every time, nor S3 itself.

    Only an upload that S3 has lost is opened anew. No URL works past the session's maximum age.
    Raise SessionNotFoundError, TransitionError when the session is not open or has that age, and
    InvalidFieldError for a part that is not in the plan.
    """

    sessions: SessionCache
    store: ObjectStore
    policy: UploadPolicy
    clock: Clock

    async def __call__(
        self, address: SessionReference, part_number: int, content_length: int | None = None
    ) -> SignedPart:
        session = await self.signable(address)
        require_part(
            session,
            part_number,
            content_length,
            self.policy.max_parts,
            size_field="content_length",
        )
        session = await self.opened(session)
        return await self.store.sign_part(
            session.key,
            session.open_store_upload_id,
            part_number,
            expires_in=self.url_life(session),
            content_length=content_length,
        )

    async def signable(self, address: SessionReference) -> UploadSession:
        """Give a session whose parts may be signed, as it was a moment ago."""
        # A session that has ended since gives URLs that the store itself refuses.
        session = address.matched(await self.sessions.recent(address.upload_id))
        session.require_open("sign a part of")
        session.require_young("sign a part of", self.clock.now())
        return session

    def url_life(self, session: UploadSession) -> timedelta:
        """How long a URL signed now may work."""
        return session.url_life(self.policy.url_life, self.clock.now())

    async def opened(self, session: UploadSession) -> UploadSession:
        """Give a signable session with an upload in the store, where it was lost a new one."""
        if not session.is_lost:
            return session
        session = await OpenStoreUpload(self.sessions, self.store, self.policy)(session)
        session.require_open("sign a part of")
        return session
