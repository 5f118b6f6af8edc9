"""Ports that interleave other work, so that rare calls of the use cases are reached too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from multipart_upload.application.ports import (
    ForwardingRepository,
    NewObject,
    ObjectStore,
    OpenedUpload,
    SessionRepository,
)
from multipart_upload.domain.errors import RepositoryUnavailableError, StaleSessionError
from multipart_upload.domain.part import Part, StoredPart
from multipart_upload.domain.session import SessionState, StoredObject, UploadSession
from tests.unit.proxies import StoreProxy

Interleaving = Callable[[], Awaitable[object]]


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


class InterleavedCreate(StoreProxy):
    """Runs the interleaving once, between opening an upload and answering."""

    def __init__(self, store: ObjectStore, interleaving: Interleaving) -> None:
        super().__init__(store)
        self.pending = [interleaving]

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        opened = await super().create_upload(new)
        if self.pending:
            await self.pending.pop()()
        return opened


class InterleavedSave(ForwardingRepository):
    """Runs the interleaving once, before it saves a session in the given state."""

    def __init__(
        self, sessions: SessionRepository, state: SessionState, interleaving: Interleaving
    ) -> None:
        super().__init__(sessions)
        self.state, self.pending = state, [interleaving]

    async def save(self, session: UploadSession) -> UploadSession:
        if session.state is self.state and self.pending:
            await self.pending.pop()()
        return await super().save(session)


class InterleavedReport(ForwardingRepository):
    """Runs the interleaving once, before it stores a report."""

    def __init__(self, sessions: SessionRepository, interleaving: Interleaving) -> None:
        super().__init__(sessions)
        self.pending = [interleaving]

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        if self.pending:
            await self.pending.pop()()
        return await super().report_parts(session, parts)


async def refuse_report() -> None:
    """Refuse a report, as the repository does while a complete is running."""
    raise StaleSessionError


class RenewalAnswerLost(ForwardingRepository):
    """Saves one lease renewal and then raises, as when its answer is lost."""

    def __init__(self, sessions: SessionRepository) -> None:
        super().__init__(sessions)
        self.holder: str | None = None
        self.has_lost_answer = False

    async def save(self, session: UploadSession) -> UploadSession:
        saved = await super().save(session)
        holder = None if saved.lease is None else saved.lease.holder
        if holder is not None and holder == self.holder and not self.has_lost_answer:
            self.has_lost_answer = True
            raise RepositoryUnavailableError
        self.holder = holder
        return saved
