"""Sample uploads for the object store suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

from ...application.ports import NewObject, ObjectStore, SignedPart, SignedPost

Put = Callable[[SignedPart, bytes], Awaitable[str]]
"""Sends bytes to a signed URL and returns the ETag header of the response, "" if there is none."""

Post = Callable[[SignedPost, bytes], Awaitable[bool]]
"""Posts a file with a signed form and returns whether the store accepted it."""

KEY: Final = "uploads/alice/upload-1/holiday.mp4"
HOUR: Final = timedelta(hours=1)


def new_object(key: str = KEY, filename: str = "holiday.mp4", **metadata: str) -> NewObject:
    """Describe a file, with an upload id and a nonce of its own."""
    return NewObject(
        key=key,
        upload_id=uuid4().hex,
        nonce=uuid4().hex,
        filename=filename,
        content_type="video/mp4",
        metadata=metadata,
    )


@dataclass(frozen=True, slots=True)
class SampleUpload:
    """An upload opened by a test, with the client that puts its parts."""

    store: ObjectStore
    put: Put
    new: NewObject
    id: str

    @property
    def key_and_id(self) -> tuple[str, str]:
        """Key and store upload id."""
        return self.new.key, self.id

    async def put_part(self, number: int, body: bytes) -> str:
        """Upload a part and return its ETag header."""
        return await self.put(await self.sign(number, None if body else 0), body)

    async def sign(self, number: int, content_length: int | None = None) -> SignedPart:
        """Sign a part, without declaring its length unless it is given."""
        return await self.store.sign_part(
            *self.key_and_id, number, expires_in=HOUR, content_length=content_length
        )


async def open_upload(store: ObjectStore, put: Put, new: NewObject | None = None) -> SampleUpload:
    """Open an upload for a test."""
    new = new or new_object()
    return SampleUpload(store, put, new, (await store.create_upload(new)).store_upload_id)
