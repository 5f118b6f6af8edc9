"""The object store port on Azure Blob Storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob.aio import ContainerClient, LinearRetry

from ...application.ports import (
    ListedUpload,
    NewObject,
    ObjectStore,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from ...application.task_cancellation import close_in_time
from ...domain.errors import (
    PartsRefusedError,
    SingleUploadsUnsupportedError,
    StoreUploadGoneError,
    UploadError,
)
from ...domain.limits import MAX_PART_COUNT, MIB
from ...domain.part import StoredPart, bare_etag
from ...domain.part_plan import PartPlan
from ...domain.session import StoredObject
from ...domain.store_capabilities import StoreCapabilities
from .blobs import Blobs
from .errors import REQUEST_SECONDS, translate_errors
from .headers import read_owner
from .records import Record, Records
from .signing import MAX_LIFETIME, Signer, limit_expiry, part_number_of

COMPLETE_SECONDS: Final = 600.0
# https://learn.microsoft.com/rest/api/storageservices/understanding-block-blobs--append-blobs--and-page-blobs
MAX_BLOCK_SIZE: Final = 4000 * MIB
# https://learn.microsoft.com/rest/api/storageservices/put-block#remarks
BLOCK_LIFETIME: Final = timedelta(days=7)
"""Azure discards uncommitted blocks this long after the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureConfig:
    """The storage account with its key, the container, and the URLs of the account.

    `endpoint_url` is for this service and `public_endpoint_url` for clients.
    """

    account: str
    key: str = field(repr=False)
    container: str
    endpoint_url: str
    public_endpoint_url: str


@asynccontextmanager
async def open_azure_store(config: AzureConfig) -> AsyncIterator[ObjectStore]:
    """Open the container without a request, and close its connections at the end."""
    connections = AsyncExitStack()
    try:
        container = await connections.enter_async_context(
            ContainerClient(
                config.endpoint_url,
                config.container,
                AzureNamedKeyCredential(config.account, config.key),
                retry_policy=LinearRetry(backoff=1, retry_total=1, random_jitter_range=0),
            )
        )
        signer = Signer(
            account=config.account,
            key=config.key,
            container=config.container,
            public_url=config.public_endpoint_url.rstrip("/"),
        )
        yield AzureObjectStore(container, signer)
    finally:
        await close_in_time("Azure", connections.aclose())


@dataclass(frozen=True, slots=True)
class AzureObjectStore:
    """Block blobs in one container; a part is an uncommitted block of the blob."""

    container: ContainerClient
    signer: Signer

    @property
    def capabilities(self) -> StoreCapabilities:
        """Azure's limits; it would take 50,000 blocks and has no forms."""
        url = urlsplit(self.signer.public_url)
        return StoreCapabilities(
            min_part_size=1,
            max_part_size=MAX_BLOCK_SIZE,
            max_object_size=MAX_PART_COUNT * MAX_BLOCK_SIZE,
            max_single_size=None,
            max_url_lifetime=MAX_LIFETIME,
            browser_origin=f"{url.scheme}://{url.netloc}",
            answers_etag=False,
        )

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        """Make the upload's record."""
        async with translate_errors(REQUEST_SECONDS):
            store_upload_id = await self._records.create(new)
        return OpenedUpload(store_upload_id, datetime.now(UTC) + BLOCK_LIFETIME)

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
        """Sign a PUT of one block; Azure does not check its length."""
        del checksum  # not supported: see capabilities
        expires_at = limit_expiry(expires_in)
        headers = {} if content_length is None else {"Content-Length": str(content_length)}
        if content_length == 0:
            url = await self._sign_empty_part(key, store_upload_id, part_number, expires_at)
        else:
            url = self.signer.sign_blocks(key, store_upload_id, expires_at)(part_number)
        return SignedPart(url, headers, expires_at)

    async def sign_parts(
        self,
        key: str,
        store_upload_id: str,
        part_numbers: Sequence[int],
        *,
        expires_in: timedelta,
        plan: PartPlan | None = None,
    ) -> SignedParts:
        """Sign a PUT of each block, with one signature."""
        expires_at = limit_expiry(expires_in)
        if plan is not None and plan.size == 0:
            # The only part of an empty file.
            url = await self._sign_empty_part(key, store_upload_id, 1, expires_at)
            return SignedParts(part_numbers, lambda _: url, expires_at)
        sign = self.signer.sign_blocks(key, store_upload_id, expires_at)
        return SignedParts(part_numbers, sign, expires_at)

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        """Raise SingleUploadsUnsupportedError: Azure accepts no forms."""
        del new, max_size, expires_in
        raise SingleUploadsUnsupportedError

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        """Read the uncommitted blocks of this upload.

        Azure tells no time of a block: every part has that of the upload's start.
        """
        async with translate_errors(REQUEST_SECONDS):
            return await self._list_parts(
                key, store_upload_id, await self._records.read(key, store_upload_id)
            )

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        """Commit the blocks, and then delete the upload's record."""
        async with translate_errors(COMPLETE_SECONDS):
            record = await self._records.read(key, store_upload_id)
            held = await self._list_parts(key, store_upload_id, record)
            _require_parts(parts, held)
            numbers = [part.number for part in parts if part.size]
            etag = await self._blobs.commit(key, store_upload_id, numbers, record, COMPLETE_SECONDS)
        # Committed: a record that stays behind is an orphaned upload, which the sweep aborts.
        with suppress(UploadError):
            async with translate_errors(REQUEST_SECONDS):
                await self._records.delete(key, store_upload_id)
        return StoredObject(
            location=self.signer.location(key),
            etag=bare_etag(etag),
            size=sum(part.size for part in parts),
        )

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        """Discard the blocks, unless the key has another upload, and then the record."""
        async with translate_errors(REQUEST_SECONDS):
            opened = {upload.store_upload_id for upload in await self._records.list(key)}
            if opened == {store_upload_id}:
                await self._blobs.discard_blocks(key)
            if store_upload_id in opened:
                await self._records.delete(key, store_upload_id)

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        """Read the records of a key."""
        async with translate_errors(REQUEST_SECONDS):
            return await self._records.list(key)

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        """Read a page of records."""
        async with translate_errors(REQUEST_SECONDS):
            return await self._records.scan(prefix, after)

    async def find_abort_age(self, prefix: str) -> timedelta | None:
        """Return how long Azure keeps uncommitted blocks."""
        del prefix
        return BLOCK_LIFETIME

    async def head_object(self, key: str) -> StoredObject | None:
        """Read the finished blob's properties."""
        async with translate_errors(REQUEST_SECONDS):
            found = await self._blobs.find(key)
        if found is None:
            return None
        upload_id, nonce = read_owner(found.metadata or {})
        return StoredObject(
            location=self.signer.location(key),
            etag=bare_etag(found.etag),
            size=found.size,
            upload_id=upload_id,
            nonce=nonce,
        )

    async def read_start(self, key: str, size: int) -> bytes | None:
        """Read the first bytes of a finished blob."""
        async with translate_errors(REQUEST_SECONDS):
            return await self._blobs.read_start(key, size)

    async def delete_object(self, key: str) -> None:
        """Delete a finished blob."""
        async with translate_errors(REQUEST_SECONDS):
            await self._blobs.delete(key)

    async def check(self) -> None:
        """Return if the container answers."""
        async with translate_errors(REQUEST_SECONDS):
            await self.container.get_container_properties()

    @property
    def _records(self) -> Records:
        return Records(self.container)

    @property
    def _blobs(self) -> Blobs:
        return Blobs(self.container)

    async def _sign_empty_part(
        self, key: str, store_upload_id: str, number: int, expires_at: datetime
    ) -> str:
        async with translate_errors(REQUEST_SECONDS):
            name = await self._records.create_empty_part(key, store_upload_id, number)
        return self.signer.sign_nothing(name, expires_at)

    async def _list_parts(self, key: str, store_upload_id: str, record: Record) -> list[StoredPart]:
        blocks = await self._blobs.list_blocks(key)
        sizes = dict.fromkeys(record.empty_parts, 0)
        if blocks is not None:
            if any(name.startswith(store_upload_id) for name in blocks.committed):
                # A process was killed between its commit and the end of the record.
                raise StoreUploadGoneError
            # A client can put blocks with other ids.
            for name, size in blocks.uncommitted.items():
                if (number := part_number_of(store_upload_id, name)) is not None:
                    sizes[number] = size
        return [
            StoredPart(number=number, etag="", size=sizes[number], stored_at=record.created_at)
            for number in sorted(sizes)
        ]


def _require_parts(parts: Sequence[StoredPart], held: Sequence[StoredPart]) -> None:
    """Raise PartsRefusedError as S3 does, so that every store accepts the same parts."""
    sizes = {part.number: part.size for part in held}
    numbers = [part.number for part in parts]
    if not parts:
        raise PartsRefusedError("InvalidBlockList", "there are none.")
    if any(sizes.get(part.number) != part.size for part in parts):
        raise PartsRefusedError("InvalidBlockList", "a part is not there or has another size.")
    if numbers != sorted(set(numbers)):
        raise PartsRefusedError("InvalidPartOrder", "they are not in ascending order.")
    if not all(part.size for part in parts[:-1]):
        raise PartsRefusedError("EntityTooSmall", "a part other than the last is empty.")
