"""The use cases on in-memory adapters, with a clock that only tests move."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from multipart_upload.adapters.content_detector import PuremagicDetector
from multipart_upload.application.abort_upload import AbortUpload
from multipart_upload.application.audit_quotas import AuditQuotas
from multipart_upload.application.check_object import CheckObject
from multipart_upload.application.complete_upload import CompleteUpload
from multipart_upload.application.list_parts import LARGE_LISTS_AT_ONCE, ListParts
from multipart_upload.application.list_sessions import ListSessions
from multipart_upload.application.new_upload import NewUpload
from multipart_upload.application.open_store_upload import OpenStoreUpload
from multipart_upload.application.ports import (
    EventRepository,
    ObjectStore,
    QuotaRepository,
    SessionRepository,
    SignedPart,
    SignedParts,
)
from multipart_upload.application.record_parts import PartReport, RecordedPart, RecordParts
from multipart_upload.application.session_cache import SessionCache
from multipart_upload.application.session_reference import SessionReference
from multipart_upload.application.sign_parts import SignParts
from multipart_upload.application.sign_single_upload import SignSingleUpload
from multipart_upload.application.start_upload import StartUpload
from multipart_upload.application.sweep.sweep_session import SweepSession
from multipart_upload.application.sweep.sweep_store import SweepStore
from multipart_upload.application.sweep.sweep_uploads import SweepUploads
from multipart_upload.application.upload_status import GetUploadStatus
from multipart_upload.domain.policy import UploadPolicy
from multipart_upload.domain.session import UploadSession
from multipart_upload.quotas import create_quota_settler, enforce_quotas
from multipart_upload.testing.memory import MemoryObjectStore, MemorySessionRepository

T0: Final = datetime(2026, 1, 1, tzinfo=UTC)
MIB: Final = 2**20
PART_SIZE: Final = 8 * MIB
BODY: Final = b"hello"
IMPATIENT: Final = UploadPolicy(wait=timedelta(0))
"""Without waiting for leases, because the clock stands still: LeaseHeldError is raised at once."""


class SettableClock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.time = T0

    def now(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """All use cases; `bucket` holds the bytes, `store` is the port that the use cases call."""

    sessions: SessionRepository
    store: ObjectStore
    bucket: MemoryObjectStore
    clock: SettableClock
    quotas: QuotaRepository | None = None
    events: EventRepository | None = None
    policy: UploadPolicy = IMPATIENT

    @property
    def counted_sessions(self) -> SessionRepository:
        return enforce_quotas(self.sessions, self.quotas, self.policy)

    @property
    def start(self) -> StartUpload:
        return StartUpload(self.counted_sessions, self.store, self.open_store_upload, self.policy)

    @property
    def open_store_upload(self) -> OpenStoreUpload:
        return OpenStoreUpload(self.sessions, self.store, self.policy)

    @property
    def sign_parts(self) -> SignParts:
        cache = new_cache(self.sessions, self.clock)
        open_store_upload = OpenStoreUpload(cache, self.store, self.policy)
        return SignParts(cache, self.store, open_store_upload, self.policy, self.clock)

    @property
    def record_parts(self) -> RecordParts:
        return RecordParts(new_cache(self.sessions, self.clock), self.store, self.clock)

    async def sign(
        self,
        reference: SessionReference,
        number: int,
        content_length: int | None = None,
        checksum: str | None = None,
    ) -> SignedPart:
        return await self.sign_parts.sign_one(reference, number, content_length, checksum)

    async def sign_many(
        self, reference: SessionReference, ranges: Sequence[range] | None
    ) -> SignedParts:
        return await self.sign_parts.sign_many(reference, ranges)

    async def record(
        self, reference: SessionReference, number: int, etag: str, size: int | None = None
    ) -> RecordedPart:
        return await self.record_parts.record_one(reference, number, etag, size)

    async def record_many(
        self, reference: SessionReference, reports: Iterable[PartReport]
    ) -> RecordedPart:
        return await self.record_parts.record_many(reference, reports)

    @property
    def complete(self) -> CompleteUpload:
        return CompleteUpload(
            self.counted_sessions, self.store, self.policy, self.abort, self.check_object
        )

    @property
    def check_object(self) -> CheckObject:
        return CheckObject(self.store, self.policy, PuremagicDetector())

    @property
    def sign_single(self) -> SignSingleUpload:
        return SignSingleUpload(self.store, self.policy)

    @property
    def abort(self) -> AbortUpload:
        return AbortUpload(self.counted_sessions, self.store, self.policy, self.check_object)

    @property
    def sweep(self) -> SweepUploads:
        return SweepUploads(
            self.sessions,
            SweepSession(self.counted_sessions, self.store, self.complete, self.abort, self.policy),
            SweepStore(self.sessions, self.store, self.policy),
            create_quota_settler(self.sessions, self.quotas, self.policy),
            self.policy,
        )

    @property
    def audit_quotas(self) -> AuditQuotas:
        settle = create_quota_settler(self.sessions, self.quotas, self.policy)
        assert self.quotas is not None
        assert settle is not None
        assert self.policy.quotas is not None
        return AuditQuotas(self.sessions, self.quotas, settle, self.policy.quotas)

    @property
    def list_parts(self) -> ListParts:
        return ListParts(self.sessions, self.store, asyncio.Semaphore(LARGE_LISTS_AT_ONCE))

    @property
    def status(self) -> GetUploadStatus:
        return GetUploadStatus(self.list_parts)

    @property
    def list_sessions(self) -> ListSessions:
        return ListSessions(self.sessions)

    async def start_session(self, size: int | None = None, user_id: str = "ada") -> UploadSession:
        return await self.start(new_upload(size=size, user_id=user_id))

    async def put(self, session: UploadSession, number: int = 1, body: bytes = BODY) -> str:
        """Upload a part without reporting it."""
        store_upload_id, life = session.store_upload_id or "", timedelta(hours=1)
        signed = await self.bucket.sign_part(
            session.key, store_upload_id, number, expires_in=life, content_length=len(body)
        )
        return await self.bucket.put(signed, body)

    async def upload(
        self, session: UploadSession, number: int = 1, body: bytes = BODY
    ) -> RecordedPart:
        """Upload a part and report it."""
        etag = await self.put(session, number, body)
        return await self.record(reference_to(session), number, etag, len(body))

    async def upload_whole(self) -> UploadSession:
        """Start an upload of one part and upload it."""
        session = await self.start_session(size=len(BODY))
        await self.upload(session)
        return await self.reload(session)

    async def lose(self, session: UploadSession) -> None:
        """Discard the store upload, as a lifecycle rule does."""
        await self.bucket.abort_upload(session.key, session.store_upload_id or "")

    async def lose_noticed(self, session: UploadSession) -> UploadSession:
        """Discard the store upload, let the service notice, and return the session."""
        await self.lose(session)
        await self.status(reference_to(session))
        return await self.reload(session)

    async def reload(self, session: UploadSession) -> UploadSession:
        """Return the session as it is stored now."""
        return await self.sessions.get(session.id)


def new_cache(sessions: SessionRepository, clock: SettableClock) -> SessionCache:
    """Make a session cache that follows a clock which the test moves."""
    return SessionCache(sessions, lambda: clock.now().timestamp())


def new_service() -> Service:
    clock = SettableClock()
    bucket = MemoryObjectStore(clock)
    sessions = MemorySessionRepository(clock)
    return Service(sessions=sessions, store=bucket, bucket=bucket, clock=clock)


def new_upload(
    *,
    user_id: str = "ada",
    filename: str = "film.mov",
    content_type: str = "video/quicktime",
    size: int | None = None,
    metadata: Mapping[str, str] | None = None,
) -> NewUpload:
    return NewUpload(
        user_id=user_id,
        filename=filename,
        content_type=content_type,
        size=size,
        metadata=metadata or {},
    )


def reference_to(session: UploadSession) -> SessionReference:
    return SessionReference(upload_id=session.id, key=session.key, user_id=session.user_id)
