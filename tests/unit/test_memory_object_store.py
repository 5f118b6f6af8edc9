"""Beyond the contract, the in-memory store refuses the PUTs that S3 would refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from multipart_upload.domain.errors import StoreUploadGoneError
from multipart_upload.testing.contract.sample_uploads import KEY, new_object
from multipart_upload.testing.memory import MemoryObjectStore


class SetClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


MINUTE = timedelta(minutes=1)


async def test_bytes_with_another_length_than_signed_are_refused() -> None:
    store = MemoryObjectStore(SetClock())
    upload = (await store.create_upload(new_object())).store_upload_id
    signed = await store.sign_part(KEY, upload, 1, expires_in=MINUTE, content_length=5)
    with pytest.raises(PermissionError):
        await store.put(signed, b"longer")
    assert await store.list_parts(KEY, upload) == []


async def test_url_is_refused_after_its_expiry() -> None:
    clock = SetClock()
    store = MemoryObjectStore(clock)
    upload = (await store.create_upload(new_object())).store_upload_id
    signed = await store.sign_part(KEY, upload, 1, expires_in=MINUTE)
    clock.time += MINUTE
    await store.put(signed, b"in time")
    clock.time += timedelta(milliseconds=1)
    with pytest.raises(PermissionError):
        await store.put(signed, b"too late")


async def test_url_of_an_aborted_upload_is_refused() -> None:
    store = MemoryObjectStore(SetClock())
    upload = (await store.create_upload(new_object())).store_upload_id
    signed = await store.sign_part(KEY, upload, 1, expires_in=MINUTE)
    await store.abort_upload(KEY, upload)
    with pytest.raises(StoreUploadGoneError):
        await store.put(signed, b"hello")


async def test_object_has_its_bytes_in_part_order() -> None:
    store = MemoryObjectStore(SetClock())
    upload = (await store.create_upload(new_object())).store_upload_id
    for number, body in ((2, b"tail"), (1, b"x" * 5 * 1024 * 1024)):
        await store.put(await store.sign_part(KEY, upload, number, expires_in=MINUTE), body)
    await store.complete_upload(KEY, upload, await store.list_parts(KEY, upload))
    assert store.objects[KEY].body == b"x" * 5 * 1024 * 1024 + b"tail"
