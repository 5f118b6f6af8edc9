"""Start an upload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..domain.errors import IdempotencyKeyReusedError, InvalidFieldError, StaleSessionError
from ..domain.object_key import new_nonce, object_key
from ..domain.part_plan import PartPlan
from ..domain.policy import UploadPolicy
from ..domain.rate_limit import Unit
from ..domain.session import SessionState, UploadSession
from .leases import new_lease
from .new_upload import NewUpload
from .open_store_upload import OpenStoreUpload
from .ports import ObjectStore, SessionRepository, UsageMeter
from .upload_ids import ChosenId, choose_upload_id


@dataclass(frozen=True, slots=True)
class StartUpload:
    """Make a session and open its upload in the object store.

    Raise InvalidFieldError or FileTooLargeError before anything is stored,
    UploadTokenExhaustedError when the token allows no more uploads, QuotaExceededError when the
    user has too much, IdempotencyKeyReusedError when the key was used for a different request, and
    LeaseHeldError while another caller with the same key opens the upload.
    With a meter, raise RateLimitedError.
    """

    sessions: SessionRepository
    store: ObjectStore
    open_store_upload: OpenStoreUpload
    policy: UploadPolicy
    meter: UsageMeter | None = None

    async def __call__(self, new: NewUpload) -> UploadSession:
        new.require_allowed(self.policy)
        plan = self._plan(new)
        if self.meter is not None:
            await self.meter.count({Unit.STARTS: 1})
        taken: set[str] = set()
        while True:
            chosen = await choose_upload_id(self.sessions, new, taken)
            try:
                return await self._start(new, plan, chosen)
            except StaleSessionError:
                if chosen.may_exist or new.token is None:
                    raise
                # Another start with the token was faster.
                taken.add(chosen.value)

    async def _start(
        self, new: NewUpload, plan: PartPlan | None, chosen: ChosenId
    ) -> UploadSession:
        lease = await new_lease(self.sessions, self.policy.lease)
        pending = self._make_session(new, plan, chosen.value, lease.now)
        session = pending.opening(lease.terms, lease.now)
        try:
            # The session first: the sweep would never abort an upload in S3 that has no session.
            await self.sessions.add(session)
        except StaleSessionError:
            if not chosen.may_exist:
                raise
        else:
            async with lease.hold(session) as held:
                return await self.open_store_upload.open(held)
        started = await self.sessions.get(session.id)
        if not new.declares_same(started):
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
        limit = new.size_limit(self.policy)
        plan = PartPlan.for_size(declared, self.store.capabilities, limit)
        return None if new.size is None else plan

    def _make_session(
        self, new: NewUpload, plan: PartPlan | None, upload_id: str, now: datetime
    ) -> UploadSession:
        nonce = new_nonce()
        prefix = new.key_prefix(self.policy)
        return UploadSession(
            id=upload_id,
            nonce=nonce,
            user_id=new.user_id,
            key=object_key(prefix, new.user_id, upload_id, nonce, new.filename),
            filename=new.stored_filename,
            content_type=new.stored_type,
            metadata=dict(new.stored_metadata),
            plan=plan,
            checksum=new.checksum,
            max_size=None if plan else new.max_total_size(self.policy),
            token=new.token_use,
            created_at=now,
            active_at=now,
            expires_at=now + min(self.policy.expiry, self.policy.max_age),
            closes_at=now + self.policy.max_age,
        )
