"""The object store port on a folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from ...application.ports import (
    ListedUpload,
    NewObject,
    OpenedUpload,
    SignedPart,
    SignedParts,
    SignedPost,
    UploadPage,
)
from ...domain.errors import StoreUnavailableError
from ...domain.limits import MAX_OBJECT_SIZE, MAX_PART_SIZE
from ...domain.part import StoredPart
from ...domain.part_plan import PartPlan
from ...domain.session import StoredObject
from ...domain.store_capabilities import StoreCapabilities
from . import objects, uploads
from .errors import translate_errors
from .layout import Layout
from .signing import MAX_LIFETIME, Signer, limit_expiry

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskConfig:
    """The folder, the secret that signs URLs, and the URL at which clients reach the service."""

    path: Path
    secret: str = field(repr=False)
    public_url: str


@asynccontextmanager
async def open_disk_store(config: DiskConfig) -> AsyncIterator[DiskObjectStore]:
    """Open the folder; create it if it does not exist. Raise StoreUnavailableError."""
    layout = Layout(config.path)
    await run_in_thread(layout.make_folders)
    yield DiskObjectStore(layout, Signer(config.secret.encode(), config.public_url.rstrip("/")))


@dataclass(frozen=True, slots=True)
class DiskObjectStore:
    """Keeps objects and parts in a folder, which several processes may share.

    Only `http.DiskServer` receives bytes. Each method does its blocking work in a thread.
    """

    layout: Layout
    signer: Signer

    @property
    def capabilities(self) -> StoreCapabilities:
        """S3's limits where the file system has none."""
        url = urlsplit(self.signer.public_url)
        return StoreCapabilities(
            min_part_size=objects.MIN_PART_SIZE,
            max_part_size=MAX_PART_SIZE,
            max_object_size=MAX_OBJECT_SIZE,
            max_single_size=MAX_PART_SIZE,
            max_url_lifetime=MAX_LIFETIME,
            browser_origin=f"{url.scheme}://{url.netloc}",
            checks_parts=True,
        )

    async def create_upload(self, new: NewObject) -> OpenedUpload:
        """Open an upload."""
        return OpenedUpload(await run_in_thread(uploads.create_upload, self.layout, new))

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
        """Sign a PUT of one part."""
        expires, expires_at = limit_expiry(expires_in)
        url = self.signer.sign_part(
            key, store_upload_id, part_number, content_length, expires, checksum
        )
        headers = {} if content_length is None else {"Content-Length": str(content_length)}
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
        """Sign a PUT of each part."""
        expires, expires_at = limit_expiry(expires_in)

        def sign(number: int) -> str:
            length = None if plan is None else plan.size_of(number)
            return self.signer.sign_part(key, store_upload_id, number, length, expires)

        return SignedParts(part_numbers, sign, expires_at)

    async def sign_post(
        self, new: NewObject, *, max_size: int, expires_in: timedelta
    ) -> SignedPost:
        """Sign a form for one whole file."""
        expires, expires_at = limit_expiry(expires_in)
        fields = self.signer.sign_form(new, max_size, expires)
        return SignedPost(self.signer.location(""), fields, expires_at)

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str:
        """Sign a GET of an object."""
        expires, _ = limit_expiry(expires_in)
        return self.signer.sign_get(key, expires)

    async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
        """Read all parts by ascending number."""
        return await run_in_thread(uploads.list_parts, self.layout, key, store_upload_id)

    async def complete_upload(
        self, key: str, store_upload_id: str, parts: Sequence[StoredPart]
    ) -> StoredObject:
        """Assemble the object from the parts."""
        described = await run_in_thread(
            objects.complete_upload, self.layout, key, store_upload_id, parts
        )
        return StoredObject(
            location=self.signer.location(key),
            etag=described.etag,
            size=sum(part.size for part in parts),
            checksum=described.checksum,
        )

    async def abort_upload(self, key: str, store_upload_id: str) -> None:
        """Discard the upload and its parts."""
        await run_in_thread(uploads.abort_upload, self.layout, key, store_upload_id)

    async def list_uploads(self, key: str) -> list[ListedUpload]:
        """Read the open uploads of a key."""
        return await run_in_thread(uploads.list_uploads, self.layout, key)

    async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
        """Read a page of the open uploads under a prefix."""
        return await run_in_thread(uploads.scan_uploads, self.layout, prefix, after)

    async def find_abort_age(self, prefix: str) -> timedelta | None:
        """Raise StoreUnavailableError: a folder has no such rules."""
        del prefix
        raise StoreUnavailableError("a folder has no lifecycle rules")

    async def head_object(self, key: str) -> StoredObject | None:
        """Read a finished object; None if there is none."""
        found = await run_in_thread(objects.find_object, self.layout, key)
        if found is None:
            return None
        described = found.description
        return StoredObject(
            location=self.signer.location(key),
            etag=described.etag if described else "",
            size=found.size,
            upload_id=described.upload_id if described else None,
            nonce=described.nonce if described else None,
            checksum=described.checksum if described else None,
        )

    async def read_start(self, key: str, size: int) -> bytes | None:
        """Read the first bytes of a finished object."""
        return await run_in_thread(objects.read_start, self.layout, key, size)

    async def delete_object(self, key: str) -> None:
        """Delete a finished object and its description."""
        await run_in_thread(objects.delete_object, self.layout, key)

    async def check(self) -> None:
        """Raise StoreUnavailableError unless the folder is there and can be written to."""
        await run_in_thread(uploads.check_writable, self.layout)


async def run_in_thread(work: Callable[..., T], *args: object) -> T:
    """Run blocking work in a thread and translate its errors."""
    with translate_errors():
        return await asyncio.to_thread(work, *args)
