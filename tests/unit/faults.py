"""Stores and repositories that fail at one point, and how they leave things there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from multipart_upload.application.ports import (
    ForwardingRepository,
    NewObject,
    ObjectStore,
    OpenedUpload,
    SessionRepository,
    UploadPage,
)
from multipart_upload.domain.errors import (
    PartsRefusedError,
    RepositoryUnavailableError,
    StoreRefusedError,
    StoreUnavailableError,
    UploadError,
)
from multipart_upload.domain.part import Part, StoredPart
from multipart_upload.domain.session import SessionState, StoredObject, UploadSession

from .proxies import StoreProxy


class StoreAway(StoreProxy):
    """Does nothing that changes it."""

    async def create_upload(self, *_: object, **__: object) -> OpenedUpload:
        raise StoreUnavailableError

    async def complete_upload(self, *_: object, **__: object) -> StoredObject:
        raise StoreUnavailableError

    async def abort_upload(self, *_: object, **__: object) -> None:
        raise StoreUnavailableError


class StoreAnswersLost(StoreProxy):
    """Does what it is told and never says so."""

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        await super().create_upload(new)
        raise StoreUnavailableError

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        await super().complete_upload(key, store_upload_id, parts)
        raise StoreUnavailableError

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        await super().abort_upload(key, store_upload_id)
        raise StoreUnavailableError


class StoreRefusing(StoreProxy):
    """Will not join any parts."""

    async def complete_upload(self, *_: object, **__: object) -> StoredObject:
        raise PartsRefusedError("InvalidPart", "they are not what they were.")


class StoreForbidding(StoreProxy):
    """Refuses some calls for good, and does the others."""

    def __init__(self, store: ObjectStore, *calls: str) -> None:
        super().__init__(store)
        self.calls = set(calls)

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        self._require_allowed("create_upload")
        return await super().create_upload(new)

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        self._require_allowed("list_parts")
        return await super().list_parts(key, store_upload_id)

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        self._require_allowed("abort_upload")
        await super().abort_upload(key, store_upload_id)

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        self._require_allowed("scan_uploads")
        return await super().scan_uploads(prefix, after)

    async def head_object(self, key: str) -> StoredObject | None:
        self._require_allowed("head_object")
        return await super().head_object(key)

    def _require_allowed(self, call: str) -> None:
        if call in self.calls:
            raise StoreRefusedError("AccessDenied")


class StoreNeverCompleting(StoreProxy):
    """Fails at every complete, and does everything else."""

    async def complete_upload(self, *_: object, **__: object) -> StoredObject:
        raise StoreUnavailableError


class CountingStore(StoreProxy):
    """Counts what it is asked for."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.created: list[NewObject] = []
        self.joined = 0

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        self.created.append(new)
        return await super().create_upload(new)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        result = await super().complete_upload(key, store_upload_id, parts)
        self.joined += 1
        return result


class RepositoryDying(ForwardingRepository):
    """Is away from the moment on when a session is to be saved in a state."""

    def __init__(self, sessions: SessionRepository, state: SessionState) -> None:
        super().__init__(sessions)
        self.state = state
        self.dead = False

    async def save(self, session: UploadSession) -> UploadSession:
        self.dead = self.dead or session.state is self.state
        if self.dead:
            raise RepositoryUnavailableError
        return await super().save(session)


class SaveAnswerLost(ForwardingRepository):
    """Saves a session in a state and then raises, as a driver does after a lost answer."""

    def __init__(
        self, sessions: SessionRepository, state: SessionState, error: type[UploadError]
    ) -> None:
        super().__init__(sessions)
        self.state, self.error = state, error

    async def save(self, session: UploadSession) -> UploadSession:
        saved = await super().save(session)
        if session.state is self.state:
            raise self.error
        return saved


class YieldingRepository(ForwardingRepository):
    """Lets other tasks run, as often as told, before and after every read and write."""

    def __init__(self, sessions: SessionRepository, turns: Iterator[int]) -> None:
        super().__init__(sessions)
        self.turns = turns

    async def get(self, upload_id: str) -> UploadSession:
        session = await super().get(upload_id)
        await others_run(self.turns)
        return session

    async def save(self, session: UploadSession) -> UploadSession:
        await others_run(self.turns)
        saved = await super().save(session)
        await others_run(self.turns)
        return saved

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        await super().record_parts(upload_id, parts)
        await others_run(self.turns)

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        await others_run(self.turns)
        recorded = await super().report_parts(session, parts)
        await others_run(self.turns)
        return recorded


class YieldingStore(StoreProxy):
    """Lets other tasks run, as often as told, after every call and before every change."""

    def __init__(self, store: ObjectStore, turns: Iterator[int]) -> None:
        super().__init__(store)
        self.turns = turns

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        parts = await super().list_parts(key, store_upload_id)
        await others_run(self.turns)
        return parts

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        await others_run(self.turns)
        result = await super().complete_upload(key, store_upload_id, parts)
        await others_run(self.turns)
        return result

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        await others_run(self.turns)
        await super().abort_upload(key, store_upload_id)
        await others_run(self.turns)


async def others_run(turns: Iterator[int]) -> None:
    for _ in range(next(turns)):
        await asyncio.sleep(0)
