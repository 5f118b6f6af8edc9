"""What leads a process to calls that it makes on a bad day only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from multipart_upload.application.ports import (
    NewObject,
    ObjectStore,
    OpenedUpload,
    SessionRepository,
)
from multipart_upload.domain.errors import RepositoryUnavailableError, StaleSessionError
from multipart_upload.domain.part import Part, StoredPart
from multipart_upload.domain.session import SessionState, StoredObject, UploadSession
from tests.unit.proxies import RepositoryProxy, StoreProxy

Meanwhile = Callable[[], Awaitable[object]]


class SlowStore(StoreProxy):
    """Completes and opens so slowly that a lease is renewed twice."""

    def __init__(self, store: ObjectStore, lease: float) -> None:
        super().__init__(store)
        # Between two renewals: at the same time as one, either could come first.
        self.seconds = 0.4 * lease

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        await asyncio.sleep(self.seconds)
        return await super().create_upload(new)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        await asyncio.sleep(self.seconds)
        return await super().complete_upload(key, store_upload_id, parts)


class StoreOvertaken(StoreProxy):
    """Lets something happen before it answers that it has opened an upload, once."""

    def __init__(self, store: ObjectStore, meanwhile: Meanwhile) -> None:
        super().__init__(store)
        self.meanwhile = [meanwhile]

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        opened = await super().create_upload(new)
        if self.meanwhile:
            await self.meanwhile.pop()()
        return opened


class RepositoryOvertaken(RepositoryProxy):
    """Lets something happen before it saves a session in a state, once."""

    def __init__(
        self, sessions: SessionRepository, state: SessionState, meanwhile: Meanwhile
    ) -> None:
        super().__init__(sessions)
        self.state, self.meanwhile = state, [meanwhile]

    async def save(self, session: UploadSession) -> UploadSession:
        if session.state is self.state and self.meanwhile:
            await self.meanwhile.pop()()
        return await super().save(session)


class ReportOvertaken(RepositoryProxy):
    """Lets something happen before it stores a report, once."""

    def __init__(self, sessions: SessionRepository, meanwhile: Meanwhile) -> None:
        super().__init__(sessions)
        self.meanwhile = [meanwhile]

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        if self.meanwhile:
            await self.meanwhile.pop()()
        return await super().report_parts(session, parts)


async def refused() -> None:
    """Refuse a report, as amid a complete that the store is about to refuse."""
    raise StaleSessionError


class RenewalAnswerLost(RepositoryProxy):
    """Renews a lease and does not say so, once."""

    def __init__(self, sessions: SessionRepository) -> None:
        super().__init__(sessions)
        self.holder: str | None = None
        self.has_lost_one = False

    async def save(self, session: UploadSession) -> UploadSession:
        saved = await super().save(session)
        holder = None if saved.lease is None else saved.lease.holder
        if holder is not None and holder == self.holder and not self.has_lost_one:
            self.has_lost_one = True
            raise RepositoryUnavailableError
        self.holder = holder
        return saved
