"""What outlives every process, what its clients were promised, and what must hold of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from multipart_upload.application.ports import NewObject, SessionQuery
from multipart_upload.domain.part import PartState
from multipart_upload.domain.session import SessionState, UploadSession
from tests.unit.service import BODY, Service, address_of, new_service

USER: Final = "ada"
BYSTANDER: Final = "bob"
TRANSIENT: Final = {SessionState.PENDING, SessionState.COMPLETING, SessionState.ABORTING}
_SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True)
class World:
    """Rows, a bucket and the time, as a service sees them that nothing disturbs.

    `sent` are the bytes of the parts that the store holds, `acknowledged` the numbers of those
    that were reported with success, both by upload id. `lost` are the store's ids of uploads that
    it threw away by itself, `strays` its uploads of which no session ever knew, `retired` the keys
    of sessions whose retention has ended.
    """

    service: Service = field(default_factory=new_service)
    sent: defaultdict[str, dict[int, bytes]] = field(default_factory=lambda: defaultdict(dict))
    acknowledged: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    lost: set[str] = field(default_factory=set)
    strays: set[str] = field(default_factory=set)
    retired: set[str] = field(default_factory=set)

    async def send(self, session: UploadSession, number: int = 1, body: bytes = BODY) -> str:
        """PUT a part, as a client that has not reported it yet."""
        etag = await self.service.put(session, number, body)
        self.sent[session.id][number] = body
        return etag

    async def upload(
        self, session: UploadSession, number: int = 1, body: bytes = BODY
    ) -> UploadSession:
        """PUT a part and report it."""
        etag = await self.send(session, number, body)
        await self.service.record(address_of(session), number, etag, len(body))
        self.acknowledged[session.id].add(number)
        return await self.service.now(session)

    async def uploaded(self, size: int | None = len(BODY), user_id: str = USER) -> UploadSession:
        """Start an upload of one part and upload it."""
        return await self.upload(await self.service.started(size, user_id))

    async def lose(self, session: UploadSession) -> None:
        """Throw an upload away, as a lifecycle rule of the bucket does."""
        await self.service.bucket.abort_upload(session.key, session.open_store_upload_id)
        self.lost.add(session.open_store_upload_id)
        self.give_up(session)

    def give_up(self, session: UploadSession) -> None:
        """Expect nothing of its parts any more."""
        self.acknowledged.pop(session.id, None)
        self.sent.pop(session.id, None)

    async def crowd(self) -> None:
        """Let others use the service and the bucket, too: whom nothing may touch."""
        await self.uploaded(user_id=BYSTANDER)
        for name in ("backups/tuesday.tar", f"{USER}/0123456789abcdef/film.mov"):
            key = f"{self.service.policy.key_prefix}{name}"
            new = NewObject(key=key, upload_id="?", filename="f", content_type="text/plain")
            opened = await self.service.bucket.create_upload(new)
            self.strays.add(opened.store_upload_id)

    def wait_for_leases(self) -> None:
        """Let the time pass after which the sweep ends what is left, but no live upload."""
        self.service.clock.time += self.service.policy.lease + self.service.policy.grace + _SECOND

    def wait_for_expiry(self) -> None:
        """Let the time pass after which nobody is expected to go on with an upload."""
        self.service.clock.time += self.service.policy.expiry
        self.wait_for_leases()

    async def rows(self) -> list[UploadSession]:
        pages = [
            await self.service.sessions.find(SessionQuery(user_id=user))
            for user in (USER, BYSTANDER)
        ]
        return [row for page in pages for row in page.sessions]

    async def objects(self) -> Mapping[str, bytes]:
        """Give the finished objects by key."""
        return {key: found.body for key, found in self.service.bucket.objects.items()}

    async def require_clean(self) -> None:
        """Assert what must hold after one sweep."""
        rows, objects = await self.rows(), await self.objects()
        assert not [row for row in rows if row.state in TRANSIENT], "a row in between"
        completed = {row.key for row in rows if row.state is SessionState.COMPLETED}
        assert objects.keys() - self.retired == completed, "objects and rows do not match"
        await self._require_uploads_of(rows)
        for upload_id in self.sent:
            await self._require_parts_of(await self.service.sessions.get(upload_id), objects)

    async def _require_uploads_of(self, rows: list[UploadSession]) -> None:
        page = await self.service.bucket.scan_uploads(self.service.policy.key_prefix)
        found = {upload.store_upload_id for upload in page.uploads}
        assert self.strays <= found, "somebody else's upload was aborted"
        named = {row.store_upload_id for row in rows if row.state.is_open}
        assert found - self.strays <= named, "an upload in the store that no open row names"
        assert named - self.lost - {None} <= found, "a live upload was aborted"

    async def _require_parts_of(self, session: UploadSession, objects: Mapping[str, bytes]) -> None:
        _, parts = await self.service.list_parts(address_of(session))
        held = {part.number for part in parts if part.state is PartState.VERIFIED}
        recorded = {part.number for part in await self.service.sessions.list_parts(session.id)}
        assert self.acknowledged[session.id] <= held & recorded, "an acknowledged part is missing"
        if session.state is SessionState.COMPLETED:
            body = b"".join(body for _, body in sorted(self.sent[session.id].items()))
            assert objects[session.key] == body, "another object"
