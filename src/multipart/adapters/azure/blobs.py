"""Finished blobs, and the uncommitted blocks of blobs that are not finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobBlock, BlobProperties, BlockState
from azure.storage.blob.aio import BlobClient, ContainerClient

from ...domain.errors import PartsRefusedError, StoreUploadGoneError
from .errors import error_code
from .records import Record
from .signing import block_id

_PLACEHOLDER: Final = "multipart_upload_discarded"
"""Metadata of the empty blob that replaces uncommitted blocks until it is deleted."""
_EXISTS: Final = frozenset({"BlobAlreadyExists", "ConditionNotMet"})


@dataclass(frozen=True, slots=True)
class Blocks:
    """The ids and sizes of a blob's blocks."""

    committed: Mapping[str, int]
    uncommitted: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Blobs:
    """The blobs in a container, by key."""

    container: ContainerClient

    async def list_blocks(self, key: str) -> Blocks | None:
        """Read the blocks of a blob; None if it has neither content nor blocks."""
        try:
            committed, uncommitted = await self._client(key).get_block_list("all")
        except ResourceNotFoundError as exc:
            if error_code(exc) == "ContainerNotFound":
                raise
            return None
        return Blocks(
            *({block.id: block.size for block in found} for found in (committed, uncommitted))
        )

    async def commit(
        self, key: str, store_upload_id: str, numbers: Sequence[int], record: Record, seconds: float
    ) -> str:
        """Commit blocks to a new blob and return its ETag.

        Raise PartsRefusedError if they are not all there, and StoreUploadGoneError if the blob
        exists: this upload was committed before, or another client wrote the blob.
        """
        blocks = [
            BlobBlock(block_id(store_upload_id, number), BlockState.UNCOMMITTED)
            for number in numbers
        ]
        try:
            answer = await self._client(key).commit_block_list(
                blocks,
                content_settings=record.content_settings,
                metadata=record.metadata,
                # A key belongs to one session: a commit never replaces anything, so that repeating
                # it is safe.
                match_condition=MatchConditions.IfMissing,
                read_timeout=seconds,
            )
        except HttpResponseError as exc:
            if error_code(exc) in _EXISTS:
                raise StoreUploadGoneError from exc
            if error_code(exc) == "InvalidBlockList":
                raise PartsRefusedError("InvalidBlockList", "a part is not there.") from exc
            raise
        return str(answer["etag"])

    async def discard_blocks(self, key: str) -> None:
        """Discard a blob's uncommitted blocks, unless the blob has content.

        Azure cannot delete blocks. An empty blob replaces them and is deleted. No condition of a
        request can hold for content that a client or another process commits at the same time.
        """
        blocks = await self.list_blocks(key)
        if blocks is None:
            return
        blob = self._client(key)
        if blocks.uncommitted:
            with suppress(ResourceExistsError, ResourceModifiedError):
                await blob.commit_block_list(
                    [], metadata={_PLACEHOLDER: "true"}, match_condition=MatchConditions.IfMissing
                )
        found = await self._find(key)
        if found is not None and _is_placeholder(found):
            with suppress(ResourceNotFoundError, ResourceModifiedError):
                await blob.delete_blob(
                    etag=found.etag, match_condition=MatchConditions.IfNotModified
                )

    async def find(self, key: str) -> BlobProperties | None:
        """Read the properties of a finished blob; None if there is none."""
        found = await self._find(key)
        return None if found is None or _is_placeholder(found) else found

    async def read_start(self, key: str, size: int) -> bytes | None:
        """Read the first bytes of a finished blob; None if there is none."""
        found = await self.find(key)
        if found is None:
            return None
        # An empty blob has no range.
        length = min(size, found.size)
        if not length:
            return b""
        download = await self._client(key).download_blob(offset=0, length=length)
        return await download.readall()

    async def delete(self, key: str) -> None:
        """Delete a blob; do nothing if there is none."""
        try:
            await self._client(key).delete_blob()
        except ResourceNotFoundError as exc:
            if error_code(exc) == "ContainerNotFound":
                raise

    async def _find(self, key: str) -> BlobProperties | None:
        try:
            return await self._client(key).get_blob_properties()
        except ResourceNotFoundError as exc:
            if error_code(exc) == "ContainerNotFound":
                raise
            return None

    def _client(self, key: str) -> BlobClient:
        return self.container.get_blob_client(key)


def _is_placeholder(found: BlobProperties) -> bool:
    return _PLACEHOLDER in {name.lower() for name in found.metadata or {}}
