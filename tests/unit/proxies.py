"""The ports passed through unchanged, for faults to change one method of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from multipart_upload.application.ports import (
    ListedUpload,
    NewObject,
    ObjectStore,
    OpenedUpload,
    SessionPage,
    SessionQuery,
    SessionRepository,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from multipart_upload.domain.part import Part, StoredPart
from multipart_upload.domain.session import StoredObject, UploadSession


class StoreProxy:
    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        return await self.store.create_upload(new)

    async def sign_part(
        self,
        key: str,
        store_upload_id: str,
        part_number: int,
        *,
        expires_in: timedelta,
        content_length: int | None = None,
    ) -> SignedPart:
        return await self.store.sign_part(
            key, store_upload_id, part_number, expires_in=expires_in, content_length=content_length
        )

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
    ) -> SignedParts:
        return await self.store.sign_parts(
            key, store_upload_id, part_numbers, expires_in=expires_in
        )

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        return await self.store.sign_post(new, max_size=max_size, expires_in=expires_in)

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        return await self.store.list_parts(key, store_upload_id)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        return await self.store.complete_upload(key, store_upload_id, parts)

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        await self.store.abort_upload(key, store_upload_id)

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        return await self.store.list_uploads(key)

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        return await self.store.scan_uploads(prefix, after)

    async def abort_rule(self, prefix: str) -> timedelta | None:
        return await self.store.abort_rule(prefix)

    async def head_object(self, key: str) -> StoredObject | None:
        return await self.store.head_object(key)

    async def check(self) -> None:
        await self.store.check()


class RepositoryProxy:
    def __init__(self, sessions: SessionRepository) -> None:
        self.sessions = sessions

    async def now(self) -> datetime:
        return await self.sessions.now()

    async def add(self, session: UploadSession) -> None:
        await self.sessions.add(session)

    async def get(self, upload_id: str) -> UploadSession:
        return await self.sessions.get(upload_id)

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        return await self.sessions.get_many(upload_ids)

    async def save(self, session: UploadSession) -> UploadSession:
        return await self.sessions.save(session)

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        await self.sessions.record_parts(upload_id, parts)

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        return await self.sessions.report_parts(session, parts)

    async def list_parts(self, upload_id: str) -> list[Part]:
        return await self.sessions.list_parts(upload_id)

    async def forget_parts(self, upload_id: str) -> None:
        await self.sessions.forget_parts(upload_id)

    async def count_parts(self, upload_id: str) -> int:
        return await self.sessions.count_parts(upload_id)

    async def find(self, query: SessionQuery) -> SessionPage:
        return await self.sessions.find(query)

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        return await self.sessions.find_due(before, limit, after)

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        return await self.sessions.purge_sessions(before, limit)

    async def check(self) -> None:
        await self.sessions.check()
