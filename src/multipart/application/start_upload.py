"""Start an upload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from uuid import uuid4

from ..domain.errors import IdempotencyKeyReusedError, StaleSessionError
from ..domain.object_key import new_nonce, object_key
from ..domain.part_plan import PartPlan
from ..domain.policy import UploadPolicy
from ..domain.session import SessionState, UploadSession
from ..domain.validation import require_start
from .leases import LeasedSession
from .open_store_upload import OpenStoreUpload
from .ports import ObjectStore, SessionRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """What a client says of its file; `size` in bytes, None if it does not know.

    Whoever sends the same `idempotency_key` again gets the same session.
    """

    user_id: str
    filename: str
    content_type: str
    size: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None

    @property
    def stored_filename(self) -> str:
        """Give the name without NUL, which no file system and no text of PostgreSQL has."""
        return self.filename.replace("\0", "")

    @property
    def stored_type(self) -> str:
        """Give the type, a general one where a browser does not know the file's.

        Without tabs: stores differ in how a signature counts them, versitygw refuses such a header.
        """
        return self.content_type.replace("\t", " ") or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class StartUpload:
    """Make a session and open its upload in the object store.

    Raise InvalidFieldError or FileTooLargeError before anything is stored,
    IdempotencyKeyReusedError when the key came with another request before, and LeaseHeldError
    while another caller with the same key is at it.
    """

    sessions: SessionRepository
    store: ObjectStore
    policy: UploadPolicy

    async def __call__(self, new: NewUpload) -> UploadSession:
        require_start(new.user_id, new.filename, new.content_type, new.metadata)
        plan = self._plan(new.size)
        upload_id = _upload_id(new)
        made = partial(self._session, new, plan, upload_id)
        open_store_upload = OpenStoreUpload(self.sessions, self.store, self.policy)
        try:
            # The row first: an upload that S3 opened and nobody noted could never be found again.
            held = await LeasedSession.added(self.sessions, self.policy.lease, made)
        except StaleSessionError:
            if new.idempotency_key is None:
                raise
        else:
            return await open_store_upload.claimed(held)
        started = await self._started_before(upload_id, made)
        # Who came first may have died before S3 was asked.
        is_pending = started.state is SessionState.PENDING
        return await open_store_upload(started) if is_pending else started

    def _plan(self, size: int | None) -> PartPlan | None:
        if size is None:
            return None
        return PartPlan.for_size(size, self.policy.max_size, self.policy.max_parts)

    async def _started_before(
        self, upload_id: str, made: Callable[[datetime], UploadSession]
    ) -> UploadSession:
        started = await self.sessions.get(upload_id)
        if _told(started) != _told(made(started.created_at)):
            raise IdempotencyKeyReusedError
        return started

    def _session(
        self, new: NewUpload, plan: PartPlan | None, upload_id: str, now: datetime
    ) -> UploadSession:
        nonce = new_nonce()
        return UploadSession(
            id=upload_id,
            nonce=nonce,
            user_id=new.user_id,
            key=object_key(self.policy.key_prefix, new.user_id, upload_id, nonce, new.filename),
            filename=new.stored_filename,
            content_type=new.stored_type,
            metadata=dict(new.metadata),
            plan=plan,
            created_at=now,
            active_at=now,
            expires_at=now + min(self.policy.expiry, self.policy.max_age),
            closes_at=now + self.policy.max_age,
        )


def _upload_id(new: NewUpload) -> str:
    """Make a new id, or the one that follows from the idempotency key.

    So a key is taken where an id is, on a sharded cluster too, and needs no row of its own.
    """
    if new.idempotency_key is None:
        return uuid4().hex
    told = f"{len(new.user_id)} {new.user_id} {new.idempotency_key}"
    return sha256(told.encode()).hexdigest()[:32]


def _told(session: UploadSession) -> tuple[object, ...]:
    """Give what the client has said; not the part size, which another release may choose."""
    size = session.plan and session.plan.size
    return session.filename, session.content_type, dict(session.metadata), size
