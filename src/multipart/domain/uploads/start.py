"""Start an upload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from ..errors import StaleSessionError
from ..model import PartPlan, UploadSession, object_key
from ..ports import Clock, NewObject, ObjectStore, SessionRepository
from .policy import UploadPolicy
from .start_rules import checked


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """What a client says of its file; `size` in bytes, None if it does not know."""

    user_id: str
    filename: str
    content_type: str
    size: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StartUpload:
    """Make a session and open its upload in the object store.

    Raise InvalidFieldError or FileTooLargeError before anything is stored.
    """

    sessions: SessionRepository
    store: ObjectStore
    clock: Clock
    policy: UploadPolicy

    async def __call__(self, new: NewUpload) -> UploadSession:
        session = self._session(new)
        # The row first: an upload that S3 opened and nobody noted could never be found again.
        await self.sessions.add(session)
        store_upload_id = await self.store.create_upload(
            NewObject(
                key=session.key,
                upload_id=session.id,
                filename=session.filename,
                content_type=session.content_type,
                metadata=session.metadata,
            )
        )
        return await self._saved(session.initiated(store_upload_id, self.clock.now()))

    async def _saved(self, session: UploadSession) -> UploadSession:
        try:
            return await self.sessions.save(session)
        except StaleSessionError:
            # The row is younger than a second, so nobody else knows it: our own write arrived and
            # only its answer was lost.
            stored = await self.sessions.get(session.id)
            if stored.store_upload_id != session.store_upload_id:
                raise
            return stored

    def _session(self, new: NewUpload) -> UploadSession:
        checked(new.user_id, new.filename, new.content_type, new.metadata)
        plan = None if new.size is None else PartPlan.for_size(new.size, self.policy.max_size)
        upload_id, now = uuid4().hex, self.clock.now()
        return UploadSession(
            id=upload_id,
            user_id=new.user_id,
            key=object_key(self.policy.key_prefix, new.user_id, upload_id, new.filename),
            # No file system has NUL in a name, and PostgreSQL has it in no text.
            filename=new.filename.replace("\0", ""),
            # Browsers send an empty type for files that they do not know.
            content_type=new.content_type or "application/octet-stream",
            metadata=dict(new.metadata),
            plan=plan,
            created_at=now,
            active_at=now,
            expires_at=now + self.policy.expiry,
        )
