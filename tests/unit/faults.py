"""Stores and repositories that fail at one point."""

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


class UnavailableStore(StoreProxy):
    """Raises StoreUnavailableError instead of any change."""

    async def create_upload(self, *_: object, **__: object) -> OpenedUpload:
        raise StoreUnavailableError

    async def complete_upload(self, *_: object, **__: object) -> StoredObject:
        raise StoreUnavailableError

    async def abort_upload(self, *_: object, **__: object) -> None:
        raise StoreUnavailableError

    async def delete_object(self, *_: object) -> None:
        raise StoreUnavailableError


class StoreAnswersLost(StoreProxy):
    """Makes every change and then raises, as when the answer is lost."""

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

    async def delete_object(self, key: str) -> None:
        await super().delete_object(key)
        raise StoreUnavailableError


class RefusingStore(StoreProxy):
    """Refuses the parts of every complete."""

    async def complete_upload(self, *_: object, **__: object) -> StoredObject:
        raise PartsRefusedError("InvalidPart", "they are not what they were.")


class ForbiddingStore(StoreProxy):
    """Refuses the given methods permanently, and passes on the others."""

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

    async def read_start(self, key: str, size: int) -> bytes | None:
        self._require_allowed("read_start")
        return await super().read_start(key, size)

    async def delete_object(self, key: str) -> None:
        self._require_allowed("delete_object")
        await super().delete_object(key)

    def _require_allowed(self, call: str) -> None:
        if call in self.calls:
            raise StoreRefusedError("AccessDenied")


class StoreFailingToComplete(StoreProxy):
    """Raises StoreUnavailableError on every complete, and passes on everything else."""

    async def complete_upload(self, *_: object, **__: object) -> StoredObject:
        raise StoreUnavailableError


class CountingStore(StoreProxy):
    """Records the uploads created and counts those completed."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.created: list[NewObject] = []
        self.completed = 0

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        self.created.append(new)
        return await super().create_upload(new)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        result = await super().complete_upload(key, store_upload_id, parts)
        self.completed += 1
        return result


class RepositoryFailing(ForwardingRepository):
    """Fails every save from the first one with the given state on."""

    def __init__(self, sessions: SessionRepository, state: SessionState) -> None:
        super().__init__(sessions)
        self.state = state
        self.is_failing = False

    async def save(self, session: UploadSession) -> UploadSession:
        self.is_failing = self.is_failing or session.state is self.state
        if self.is_failing:
            raise RepositoryUnavailableError
        return await super().save(session)


class SaveAnswerLost(ForwardingRepository):
    """Saves a session with the given state and then raises, as when the answer is lost."""

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
    """Yields to other tasks around every read and write, by a schedule of counts."""

    def __init__(self, sessions: SessionRepository, schedule: Iterator[int]) -> None:
        super().__init__(sessions)
        self.schedule = schedule

    async def get(self, upload_id: str) -> UploadSession:
        session = await super().get(upload_id)
        await yield_to_others(self.schedule)
        return session

    async def save(self, session: UploadSession) -> UploadSession:
        await yield_to_others(self.schedule)
        saved = await super().save(session)
        await yield_to_others(self.schedule)
        return saved

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        await super().record_parts(upload_id, parts)
        await yield_to_others(self.schedule)

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        await yield_to_others(self.schedule)
        recorded = await super().report_parts(session, parts)
        await yield_to_others(self.schedule)
        return recorded


class YieldingStore(StoreProxy):
    """Yields to other tasks after every call and before every change, by a schedule of counts."""

    def __init__(self, store: ObjectStore, schedule: Iterator[int]) -> None:
        super().__init__(store)
        self.schedule = schedule

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        parts = await super().list_parts(key, store_upload_id)
        await yield_to_others(self.schedule)
        return parts

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        await yield_to_others(self.schedule)
        result = await super().complete_upload(key, store_upload_id, parts)
        await yield_to_others(self.schedule)
        return result

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        await yield_to_others(self.schedule)
        await super().abort_upload(key, store_upload_id)
        await yield_to_others(self.schedule)


async def yield_to_others(schedule: Iterator[int]) -> None:
    for _ in range(next(schedule)):
        await asyncio.sleep(0)
