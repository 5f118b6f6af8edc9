"""An object store whose calls are measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ..application.ports import (
    ListedUpload,
    NewObject,
    ObjectStore,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from ..domain.part import StoredPart
from ..domain.part_plan import PartPlan
from ..domain.session import StoredObject
from ..domain.store_capabilities import StoreCapabilities
from .calls import Calls
from .collected import Metrics


class MeteredStore:
    """Measures every request to the store, and counts the URLs signed.

    Signing makes no request: measuring it would cost more than counting it tells.
    """

    def __init__(self, store: ObjectStore, metrics: Metrics) -> None:
        self.store = store
        self.capabilities: StoreCapabilities = store.capabilities
        self._measure = Calls(metrics, "object_store").measure
        self._parts_signed = metrics.urls_signed.labels("part")
        self._forms_signed = metrics.urls_signed.labels("form")

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        with self._measure("create_upload"):
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
        signed = await self.store.sign_part(
            key,
            store_upload_id,
            part_number,
            expires_in=expires_in,
            content_length=content_length,
            checksum=checksum,
        )
        self._parts_signed.inc()
        return signed

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
        plan: PartPlan | None = None,
    ) -> SignedParts:
        signed = await self.store.sign_parts(
            key, store_upload_id, part_numbers, expires_in=expires_in, plan=plan
        )
        self._parts_signed.inc(len(signed.numbers))
        return signed

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        signed = await self.store.sign_post(new, max_size=max_size, expires_in=expires_in)
        self._forms_signed.inc()
        return signed

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        with self._measure("list_parts"):
            return await self.store.list_parts(key, store_upload_id)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        with self._measure("complete_upload"):
            return await self.store.complete_upload(key, store_upload_id, parts)

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        with self._measure("abort_upload"):
            await self.store.abort_upload(key, store_upload_id)

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        with self._measure("list_uploads"):
            return await self.store.list_uploads(key)

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        with self._measure("scan_uploads"):
            return await self.store.scan_uploads(prefix, after)

    async def find_abort_age(self, prefix: str) -> timedelta | None:
        with self._measure("find_abort_age"):
            return await self.store.find_abort_age(prefix)

    async def head_object(self, key: str) -> StoredObject | None:
        with self._measure("head_object"):
            return await self.store.head_object(key)

    async def read_start(self, key: str, size: int) -> bytes | None:
        with self._measure("read_start"):
            return await self.store.read_start(key, size)

    async def delete_object(self, key: str) -> None:
        with self._measure("delete_object"):
            await self.store.delete_object(key)

    async def check(self) -> None:
        with self._measure("check"):
            await self.store.check()
