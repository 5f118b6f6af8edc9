"""The state that survives a crash, and the invariants it must keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from multipart_upload.application.ports import NewObject, SessionQuery
from multipart_upload.domain.content_check import ContentCheck
from multipart_upload.domain.part import PartState
from multipart_upload.domain.quota import QuotaLimits
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.testing.memory import MemoryQuotaRepository
from tests.unit.service import BODY, Service, new_service, reference_to

USER: Final = "ada"
BYSTANDER: Final = "bob"
TRANSIENT: Final = {SessionState.PENDING, SessionState.COMPLETING, SessionState.ABORTING}
_SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True)
class World:
    """Rows, a bucket and the time, accessed through a service without faults.

    `sent` holds the bytes of the parts in the store, `acknowledged` the numbers of the parts
    whose report succeeded, both by upload id. `lost` holds the ids of store uploads that the
    store discarded, `unknown_uploads` those of uploads that no session refers to, `purged` the
    keys of sessions past their retention, `uncounted` the ids of those from before the quotas.
    """

    service: Service = field(default_factory=new_service)
    sent: defaultdict[str, dict[int, bytes]] = field(default_factory=lambda: defaultdict(dict))
    acknowledged: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    lost: set[str] = field(default_factory=set)
    unknown_uploads: set[str] = field(default_factory=set)
    purged: set[str] = field(default_factory=set)
    uncounted: set[str] = field(default_factory=set)

    async def send(self, session: UploadSession, number: int = 1, body: bytes = BODY) -> str:
        """PUT a part without reporting it."""
        etag = await self.service.put(session, number, body)
        self.sent[session.id][number] = body
        return etag

    async def upload(
        self, session: UploadSession, number: int = 1, body: bytes = BODY
    ) -> UploadSession:
        """PUT a part and report it."""
        etag = await self.send(session, number, body)
        await self.service.record(reference_to(session), number, etag, len(body))
        self.acknowledged[session.id].add(number)
        return await self.service.reload(session)

    async def start_and_upload(
        self, size: int | None = len(BODY), user_id: str = USER
    ) -> UploadSession:
        """Start an upload of one part and upload it."""
        return await self.upload(await self.service.start_session(size, user_id))

    async def lose(self, session: UploadSession) -> None:
        """Discard the store upload, as a lifecycle rule of the bucket does."""
        await self.service.bucket.abort_upload(session.key, session.open_store_upload_id)
        self.lost.add(session.open_store_upload_id)
        self.drop_expectations(session)

    def drop_expectations(self, session: UploadSession) -> None:
        """Stop requiring that the parts of this session are kept."""
        self.acknowledged.pop(session.id, None)
        self.sent.pop(session.id, None)

    async def add_bystanders(self) -> None:
        """Add uploads of other users and applications, which nothing may touch."""
        await self.start_and_upload(user_id=BYSTANDER)
        for name in ("backups/tuesday.tar", f"{USER}/0123456789abcdef/film.mov"):
            key = f"{self.service.policy.key_prefix}{name}"
            new = NewObject(key=key, upload_id="?", filename="f", content_type="text/plain")
            opened = await self.service.bucket.create_upload(new)
            self.unknown_uploads.add(opened.store_upload_id)

    def count_in_quotas(self, limits: QuotaLimits) -> None:
        """Count all uploads from now on in quotas."""
        policy = replace(self.service.policy, quotas=limits)
        self.service = replace(self.service, policy=policy, quotas=MemoryQuotaRepository())

    def check_content(self, check: ContentCheck) -> None:
        """Check the bytes of finished objects from now on."""
        policy = replace(self.service.policy, content_check=check)
        self.service = replace(self.service, policy=policy)

    def pass_leases_and_grace(self) -> None:
        """Advance the clock past leases and the grace period, but not past any expiry."""
        self.service.clock.time += self.service.policy.lease + self.service.policy.grace + _SECOND

    def pass_expiry(self) -> None:
        """Advance the clock past the expiry of every upload."""
        self.service.clock.time += self.service.policy.expiry
        self.pass_leases_and_grace()

    async def rows(self) -> list[UploadSession]:
        pages = [
            await self.service.sessions.find(SessionQuery(user_id=user))
            for user in (USER, BYSTANDER)
        ]
        return [row for page in pages for row in page.sessions]

    async def objects(self) -> Mapping[str, bytes]:
        """Return the bodies of the finished objects by key."""
        return {key: found.body for key, found in self.service.bucket.objects.items()}

    async def require_clean(self) -> None:
        """Check the invariants that hold after one sweep."""
        rows, objects = await self.rows(), await self.objects()
        assert not [row for row in rows if row.state in TRANSIENT], (
            "a session is still in a transient state"
        )
        completed = {row.key for row in rows if row.state is SessionState.COMPLETED}
        assert objects.keys() - self.purged == completed, (
            "the objects differ from the completed sessions"
        )
        await self._require_store_uploads(rows)
        await self._require_quotas(rows)
        for upload_id in self.sent:
            await self._require_parts(await self.service.sessions.get(upload_id), objects)

    async def _require_store_uploads(self, rows: list[UploadSession]) -> None:
        page = await self.service.bucket.scan_uploads(self.service.policy.key_prefix)
        found = {upload.store_upload_id for upload in page.uploads}
        assert self.unknown_uploads <= found, "an unknown upload was aborted"
        named = {row.store_upload_id for row in rows if row.state.is_open}
        assert found - self.unknown_uploads <= named, "an orphaned upload is left"
        assert named - self.lost - {None} <= found, "a live upload was aborted"

    async def _require_quotas(self, rows: list[UploadSession]) -> None:
        if self.service.quotas is None:
            return
        users = await self.service.quotas.list_users(10)
        counted = {upload_id for user in users for upload_id in user.reservations}
        not_ended = {row.id for row in rows if not row.state.is_terminal}
        assert counted - self.uncounted == not_ended - self.uncounted, (
            "the quotas count other uploads than the open ones"
        )
        for user in users:
            sizes = [reservation.size for reservation in user.reservations.values()]
            usage = user.usage
            assert (usage.open_uploads, usage.open_bytes) == (len(sizes), sum(sizes))

    async def _require_parts(self, session: UploadSession, objects: Mapping[str, bytes]) -> None:
        _, parts = await self.service.list_parts(reference_to(session))
        held = {part.number for part in parts if part.state is PartState.VERIFIED}
        recorded = {part.number for part in await self.service.sessions.list_parts(session.id)}
        assert self.acknowledged[session.id] <= held & recorded, "an acknowledged part is missing"
        if session.state is SessionState.COMPLETED:
            body = b"".join(body for _, body in sorted(self.sent[session.id].items()))
            assert objects[session.key] == body, "the object has the wrong bytes"
