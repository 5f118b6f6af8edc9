"""Sign a URL on which a client PUTs one part."""

from __future__ import annotations

from dataclasses import dataclass

from ..ports import ObjectStore, SessionRepository, SignedPart
from .address import SessionAddress
from .open_store_upload import OpenStoreUpload
from .part_rules import require_part
from .policy import UploadPolicy


@dataclass(frozen=True, slots=True)
class SignPart:
    """Sign one part of an open session; S3 itself is not asked, but to open a lost upload anew.

    Raise SessionNotFoundError, TransitionError when the session is not open, and InvalidFieldError
    for a part that is not in the plan.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy

    async def __call__(
        self, address: SessionAddress, part_number: int, content_length: int | None = None
    ) -> SignedPart:
        session = await address.find_in(self.sessions)
        session.require_open("sign a part of")
        require_part(session, part_number, content_length, size_field="content_length")
        if session.is_lost:
            session = await OpenStoreUpload(self.sessions, self.store, self.policy)(session)
            session.require_open("sign a part of")
        return await self.store.sign_part(
            session.key,
            session.open_store_upload_id,
            part_number,
            expires_in=self.policy.url_life,
            content_length=content_length,
        )
