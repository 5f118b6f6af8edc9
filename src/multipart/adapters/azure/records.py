"""Records of open uploads: Azure has none, it only knows blobs and their uncommitted blocks.

An open upload has a record, an empty blob `.multipart-uploads/{key}/{store upload id}`. Its headers
and metadata are those that the finished blob gets. It disappears last, so that whatever a killed
process leaves behind is listed.

Azure takes no block of 0 bytes. A part of 0 bytes is another empty blob, below the record's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContentSettings
from azure.storage.blob.aio import ContainerClient

from ...application.ports import ListedUpload, NewObject, UploadPage
from ...domain.errors import StoreUploadGoneError
from .headers import blob_metadata, content_settings

ROOT: Final = ".multipart-uploads/"
PAGE_SIZE: Final = 1000
_NAME: Final = re.compile(re.escape(ROOT) + r"(.*)/([0-9a-f]{32})(?:/empty-([0-9]{5}))?", re.DOTALL)
_MARKER: Final = "\n"
"""Begins a `next_after` that is Azure's own marker; no key contains it."""


@dataclass(frozen=True, slots=True)
class Record:
    """What an open upload's finished blob gets, and the numbers of its parts of 0 bytes."""

    created_at: datetime
    content_settings: ContentSettings
    metadata: dict[str, str]
    empty_parts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Records:
    """The records in a container."""

    container: ContainerClient

    async def create(self, new: NewObject) -> str:
        """Make a record and return the new upload's id."""
        store_upload_id = uuid4().hex
        # It exists if a retry of the SDK repeated a request whose answer was lost.
        with suppress(ResourceExistsError):
            await self.container.get_blob_client(_name(new.key, store_upload_id)).upload_blob(
                b"", content_settings=content_settings(new), metadata=blob_metadata(new)
            )
        return store_upload_id

    async def create_empty_part(self, key: str, store_upload_id: str, number: int) -> str:
        """Store a part of 0 bytes and return the name of its blob."""
        name = _name(key, store_upload_id, number)
        with suppress(ResourceExistsError):
            await self.container.get_blob_client(name).upload_blob(b"")
        return name

    async def read(self, key: str, store_upload_id: str) -> Record:
        """Read the record of an open upload. Raise StoreUploadGoneError if there is none."""
        # A list also returns the parts of 0 bytes, in one request.
        found = [
            blob
            async for blob in self.container.list_blobs(
                name_starts_with=_name(key, store_upload_id), include=["metadata"]
            )
        ]
        own = [blob for blob in found if blob.name == _name(key, store_upload_id)]
        if not own:
            raise StoreUploadGoneError
        parsed = [_NAME.fullmatch(blob.name) for blob in found]
        numbers = [int(match[3]) for match in parsed if match and match[3]]
        return Record(own[0].creation_time, own[0].content_settings, own[0].metadata or {}, numbers)

    async def delete(self, key: str, store_upload_id: str) -> None:
        """Delete the record, last, and its parts of 0 bytes."""
        name = _name(key, store_upload_id)
        names = [blob.name async for blob in self.container.list_blobs(name_starts_with=name)]
        for found in sorted(names, reverse=True):
            with suppress(ResourceNotFoundError):
                await self.container.delete_blob(found)

    async def list(self, key: str) -> list[ListedUpload]:
        """Read the open uploads of exactly this key."""
        blobs = self.container.list_blobs(name_starts_with=f"{ROOT}{key}/")
        return [upload for upload in _parse([blob async for blob in blobs]) if upload.key == key]

    async def scan(self, prefix: str, after: str | None) -> UploadPage:
        """Read a page of the open uploads under a prefix."""
        marker, key = None, after
        if after is not None and after.startswith(_MARKER):
            marker, key = after.removeprefix(_MARKER), None
        listed = self.container.list_blobs(
            name_starts_with=ROOT + prefix, results_per_page=PAGE_SIZE
        )
        # Its declared type lacks the token.
        pages: Any = listed.by_page(continuation_token=marker)
        blobs: list[BlobProperties] = []
        async for page in pages:
            blobs = [blob async for blob in page]
            break
        following: str | None = pages.continuation_token or None
        uploads = [found for found in _parse(blobs) if key is None or found.key > key]
        return UploadPage(uploads, None if following is None else _MARKER + following)


def _name(key: str, store_upload_id: str, empty_part: int | None = None) -> str:
    name = f"{ROOT}{key}/{store_upload_id}"
    return name if empty_part is None else f"{name}/empty-{empty_part:05}"


def _parse(blobs: Iterable[BlobProperties]) -> list[ListedUpload]:
    """Return each upload once, also if only its parts of 0 bytes are there."""
    uploads: dict[tuple[str, str], ListedUpload] = {}
    for blob in blobs:
        if match := _NAME.fullmatch(blob.name):
            upload = ListedUpload(
                key=match[1], store_upload_id=match[2], initiated_at=blob.creation_time
            )
            uploads.setdefault((upload.key, upload.store_upload_id), upload)
    return list(uploads.values())
