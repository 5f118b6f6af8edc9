"""Promises about the end of an upload: complete, abort, and the state after each."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest

from ...application.ports import NewObject, ObjectStore
from ...domain.checksum import crc64nvme, encode_checksum
from ...domain.errors import PartsRefusedError, StoreUploadGoneError
from ...domain.session import StoredObject
from .sample_uploads import KEY, Put, new_object, open_upload

KEYS = [
    "plain.bin",
    "uploads/Zoë/наш отпуск 🏝.mp4",
    "a b/c+d/100%41/q?x=1&y#z/~tilde/(paren)'quote\"",
]


def add_owner(completed: StoredObject, new: NewObject) -> StoredObject:
    """Add the fields that only `head_object` returns."""
    return replace(completed, upload_id=new.upload_id, nonce=new.nonce)


class UploadEndingContract:
    """An upload ends as an object or as nothing, and a refused complete changes nothing."""

    async def test_completed_upload_becomes_an_object(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"a" * store.capabilities.min_part_size)
        await upload.put_part(2, b"tail")
        parts = await store.list_parts(*upload.key_and_id)
        completed = await store.complete_upload(*upload.key_and_id, parts)
        head = await store.head_object(KEY)
        assert head == add_owner(completed, upload.new)
        assert completed.size == store.capabilities.min_part_size + 4
        assert completed.etag
        assert '"' not in completed.etag

    async def test_object_contains_only_the_listed_parts(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        for number, body in ((1, b"one"), (2, b"three"), (3, b"four")):
            await upload.put_part(number, body)
        parts = await store.list_parts(*upload.key_and_id)
        await store.complete_upload(*upload.key_and_id, parts[1:2])
        head = await store.head_object(KEY)
        assert head is not None
        assert head.size == len(b"three")

    async def test_object_contains_the_last_version_of_a_part(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"first")
        await upload.put_part(1, b"the second")
        parts = await store.list_parts(*upload.key_and_id)
        assert (await store.complete_upload(*upload.key_and_id, parts)).size == len(b"the second")

    async def test_one_empty_part_completes_an_empty_file(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"")
        parts = await store.list_parts(*upload.key_and_id)
        await store.complete_upload(*upload.key_and_id, parts)
        head = await store.head_object(KEY)
        assert head is not None
        assert head.size == 0

    @pytest.mark.parametrize("key", KEYS)
    async def test_every_method_accepts_keys_with_any_characters(
        self, store: ObjectStore, put: Put, key: str
    ) -> None:
        upload = await open_upload(store, put, new_object(key))
        assert [found.store_upload_id for found in await store.list_uploads(key)] == [upload.id]
        await upload.put_part(1, b"hello")
        parts = await store.list_parts(*upload.key_and_id)
        completed = await store.complete_upload(*upload.key_and_id, parts)
        location = urlsplit(completed.location)
        assert completed.location.isascii()
        assert unquote(location.path).endswith(key)
        assert (location.query, location.fragment) == ("", "")
        assert await store.head_object(key) == add_owner(completed, upload.new)

    @pytest.mark.parametrize(
        "new",
        [
            new_object(filename="наш отпуск 🏝.mp4", note="значение", mixed=" caf=C3=A9 é "),
            new_object(filename='quote " back\\slash %41 ;.mp4', **{"Camera.Model-Name": "X100"}),
            new_object(filename="x" * 1000 + ".mp4", empty="", lines="one\ntwo"),
            new_object(filename="🏝" * 1024),
            new_object(full="é" * 500),
        ],
        ids=["unicode", "quotes", "long", "longest name", "most metadata"],
    )
    async def test_upload_accepts_names_and_metadata_with_any_characters(
        self, store: ObjectStore, put: Put, new: NewObject
    ) -> None:
        upload = await open_upload(store, put, new)
        await upload.put_part(1, b"hello")
        await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
        head = await store.head_object(KEY)
        assert head is not None
        assert (head.upload_id, head.nonce) == (new.upload_id, new.nonce)

    async def test_checksum_of_an_object_is_that_of_all_its_bytes(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        first, second = b"a" * store.capabilities.min_part_size, b"tail"
        await upload.put_part(1, first)
        await upload.put_part(2, second)
        parts = await store.list_parts(*upload.key_and_id)
        completed = await store.complete_upload(*upload.key_and_id, parts)
        # Not every store computes one.
        assert completed.checksum in {None, encode_checksum(crc64nvme(first + second))}

    async def test_start_of_an_object_can_be_read(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        assert await store.read_start(KEY, 3) is None
        await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
        assert await store.read_start(KEY, 3) == b"hel"
        assert await store.read_start(KEY, 1024) == b"hello"

    async def test_start_of_an_empty_object_is_empty(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"")
        await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
        assert await store.read_start(KEY, 1024) == b""

    async def test_deleted_object_is_gone_and_its_key_is_free(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
        await store.delete_object(KEY)
        assert await store.head_object(KEY) is None
        assert await store.read_start(KEY, 1024) is None
        await store.delete_object(KEY)
        again = await open_upload(store, put)
        await again.put_part(1, b"again")
        await store.complete_upload(*again.key_and_id, await store.list_parts(*again.key_and_id))
        assert await store.read_start(KEY, 1024) == b"again"

    async def test_no_object_exists_before_completion(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        assert await store.head_object(KEY) is None

    async def test_part_that_differs_is_refused_and_the_upload_stays_open(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        parts = await store.list_parts(*upload.key_and_id)
        # Where parts have no ETags, only sizes can differ.
        etag = "0" * 32 if store.capabilities.answers_etag else ""
        with pytest.raises(PartsRefusedError):
            await store.complete_upload(*upload.key_and_id, [replace(parts[0], etag=etag, size=6)])
        assert await store.list_parts(*upload.key_and_id) == parts
        assert (await store.complete_upload(*upload.key_and_id, parts)).size == 5

    async def test_part_never_put_is_refused_and_the_upload_stays_open(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"a" * store.capabilities.min_part_size)
        parts = await store.list_parts(*upload.key_and_id)
        with pytest.raises(PartsRefusedError):
            await store.complete_upload(*upload.key_and_id, [*parts, replace(parts[0], number=2)])
        assert await store.list_parts(*upload.key_and_id) == parts

    async def test_small_part_before_the_last_is_refused_and_the_upload_stays_open(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, bytes(store.capabilities.min_part_size - 1))
        await upload.put_part(2, b"tail")
        parts = await store.list_parts(*upload.key_and_id)
        with pytest.raises(PartsRefusedError) as refused:
            await store.complete_upload(*upload.key_and_id, parts)
        assert refused.value.extensions["reason"] == "EntityTooSmall"
        assert await store.list_parts(*upload.key_and_id) == parts

    async def test_completing_with_no_parts_is_refused(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        with pytest.raises(PartsRefusedError):
            await store.complete_upload(*upload.key_and_id, [])
        assert await store.head_object(KEY) is None

    async def test_completing_twice_returns_the_same_object_or_raises_gone(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        parts = await store.list_parts(*upload.key_and_id)
        completed = await store.complete_upload(*upload.key_and_id, parts)
        with suppress(StoreUploadGoneError):
            assert await store.complete_upload(*upload.key_and_id, parts) == completed
        assert await store.head_object(KEY) == add_owner(completed, upload.new)

    async def test_completed_upload_is_no_longer_open(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
        assert await store.list_uploads(KEY) == []
        with pytest.raises(StoreUploadGoneError):
            await store.list_parts(*upload.key_and_id)

    async def test_aborting_a_completed_upload_keeps_the_object(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
        await store.abort_upload(*upload.key_and_id)
        assert await store.head_object(KEY) is not None

    async def test_aborted_upload_is_gone_with_its_parts(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload, other = await open_upload(store, put), await open_upload(store, put)
        await upload.put_part(1, b"hello")
        parts = await store.list_parts(*upload.key_and_id)
        await store.abort_upload(*upload.key_and_id)
        assert [found.store_upload_id for found in await store.list_uploads(KEY)] == [other.id]
        with pytest.raises(StoreUploadGoneError):
            await store.list_parts(*upload.key_and_id)
        with pytest.raises(StoreUploadGoneError):
            await store.complete_upload(*upload.key_and_id, parts)

    async def test_aborting_a_gone_upload_changes_nothing(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload, other = await open_upload(store, put), await open_upload(store, put)
        for _ in range(2):
            await store.abort_upload(*upload.key_and_id)
        await store.abort_upload(KEY, upload.id[::-1])
        assert [found.store_upload_id for found in await store.list_uploads(KEY)] == [other.id]
