"""Start an upload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from ..domain.errors import IdempotencyKeyReusedError, InvalidFieldError, StaleSessionError
from ..domain.object_key import new_nonce, object_key
from ..domain.part_plan import PartPlan
from ..domain.policy import UploadPolicy
from ..domain.session import SessionState, UploadSession
from ..domain.validation import require_start
from .leases import new_lease
from .new_upload import NewUpload
from .open_store_upload import OpenStoreUpload
from .ports import ObjectStore, SessionRepository


@dataclass(frozen=True, slots=True)
class StartUpload:
    """Make a session and open its upload in the object store.

    Raise InvalidFieldError or FileTooLargeError before anything is stored,
    IdempotencyKeyReusedError when the key was used for a different request, and LeaseHeldError
    while another caller with the same key opens the upload.
    """

    sessions: SessionRepository
    store: ObjectStore
    open_store_upload: OpenStoreUpload
    policy: UploadPolicy

    async def __call__(self, new: NewUpload) -> UploadSession:
        require_start(new.user_id, new.filename, new.content_type, new.metadata)
        self.policy.limits.require(new.stored_type, new.stored_filename)
        plan = self._plan(new)
        lease = await new_lease(self.sessions, self.policy.lease)
        pending = self._make_session(new, plan, lease.now)
        session = pending.opening(lease.terms, lease.now)
        try:
            # The session first: the sweep would never abort an upload in S3 that has no session.
            await self.sessions.add(session)
        except StaleSessionError:
            if new.idempotency_key is None:
                raise
        else:
            async with lease.hold(session) as held:
                return await self.open_store_upload.open(held)
        started = await self.sessions.get(session.id)
        if _declared(started) != _declared(session):
            raise IdempotencyKeyReusedError
        # The first caller may have died before its request to S3.
        is_pending = started.state is SessionState.PENDING
        return await self.open_store_upload(started) if is_pending else started

    def _plan(self, new: NewUpload) -> PartPlan | None:
        declared = new.max_size if new.size is None else new.size
        if declared is None:
            if self.policy.require_size:
                raise InvalidFieldError("size", "is required")
            return None
        # Also checks the size of a file that the client cuts itself.
        plan = PartPlan.for_size(declared, self.store.capabilities, self.policy.max_size)
        return None if new.size is None else plan

    def _make_session(self, new: NewUpload, plan: PartPlan | None, now: datetime) -> UploadSession:
        upload_id, nonce = _upload_id(new), new_nonce()
        return UploadSession(
            id=upload_id,
            nonce=nonce,
            user_id=new.user_id,
            key=object_key(self.policy.key_prefix, new.user_id, upload_id, nonce, new.filename),
            filename=new.stored_filename,
            content_type=new.stored_type,
            metadata=dict(new.metadata),
            plan=plan,
            max_size=None if plan else new.max_size,
            created_at=now,
            active_at=now,
            expires_at=now + min(self.policy.expiry, self.policy.max_age),
            closes_at=now + self.policy.max_age,
        )


def _upload_id(new: NewUpload) -> str:
    """Make a new id, or derive it from the idempotency key.

    A derived id makes the key unique without a row of its own, on a sharded cluster too.
    """
    if new.idempotency_key is None:
        return uuid4().hex
    declared = f"{len(new.user_id)} {new.user_id} {new.idempotency_key}"
    return sha256(declared.encode()).hexdigest()[:32]


def _declared(session: UploadSession) -> tuple[object, ...]:
    """Return what the client declared; not the part size, which another release may choose."""
    size = session.plan and session.plan.size
    return session.filename, session.content_type, dict(session.metadata), size
