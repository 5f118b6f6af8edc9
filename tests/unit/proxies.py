"""Proxies that pass every call on; a fault overrides one method."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from multipart_upload.application.ports import (
    ListedUpload,
    NewObject,
    ObjectStore,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from multipart_upload.domain.part import StoredPart
from multipart_upload.domain.part_plan import PartPlan
from multipart_upload.domain.session import StoredObject
from multipart_upload.domain.store_capabilities import StoreCapabilities


class StoreProxy:
    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    @property
    def capabilities(self) -> StoreCapabilities:
        return self.store.capabilities

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
        checksum: str | None = None,
    ) -> SignedPart:
        return await self.store.sign_part(
            key,
            store_upload_id,
            part_number,
            expires_in=expires_in,
            content_length=content_length,
            checksum=checksum,
        )

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
        plan: PartPlan | None = None,
    ) -> SignedParts:
        return await self.store.sign_parts(
            key, store_upload_id, part_numbers, expires_in=expires_in, plan=plan
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

    async def find_abort_age(self, prefix: str) -> timedelta | None:
        return await self.store.find_abort_age(prefix)

    async def head_object(self, key: str) -> StoredObject | None:
        return await self.store.head_object(key)

    async def read_start(self, key: str, size: int) -> bytes | None:
        return await self.store.read_start(key, size)

    async def delete_object(self, key: str) -> None:
        await self.store.delete_object(key)

    async def check(self) -> None:
        await self.store.check()
