"""Promises about open uploads: sign, put, list."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ...application.ports import ObjectStore, SignedPart
from ...domain.errors import StoreUploadGoneError
from ...domain.limits import MAX_PART_COUNT
from ...domain.part import bare_etag
from .sample_uploads import HOUR, KEY, Put, new_object, opened

SLACK = timedelta(minutes=1)
"""How far a store's clock and ours may be apart."""


PAGE = 1000
"""What S3 lists at once: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html"""


class PartUploadingContract:
    """Parts go in on signed URLs and come out of the list as they went in."""

    async def test_an_upload_begins_without_parts(self, store: ObjectStore, put: Put) -> None:
        upload = await opened(store, put)
        assert await store.list_parts(*upload.address) == []

    async def test_a_part_put_on_its_url_is_listed(self, store: ObjectStore, put: Put) -> None:
        upload = await opened(store, put)
        header = await upload.part(1, b"hello")
        (part,) = await store.list_parts(*upload.address)
        assert (part.number, part.size, part.etag) == (1, 5, bare_etag(header))
        assert abs(datetime.now(UTC) - part.stored_at) < SLACK
        assert part.stored_at.utcoffset() == timedelta(0)

    async def test_parts_are_listed_by_number_in_whatever_order_they_came(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await opened(store, put)
        for number in (10, 2, MAX_PART_COUNT, 9, 1):
            await upload.part(number, b"x" * number)
        parts = await store.list_parts(*upload.address)
        assert [part.number for part in parts] == [1, 2, 9, 10, MAX_PART_COUNT]
        assert [part.size for part in parts] == [1, 2, 9, 10, MAX_PART_COUNT]

    async def test_parts_put_at_the_same_time_are_all_kept(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await opened(store, put)
        await asyncio.gather(*(upload.part(n, b"x" * n) for n in range(1, 21)))
        parts = await store.list_parts(*upload.address)
        assert [(part.number, part.size) for part in parts] == [(n, n) for n in range(1, 21)]

    async def test_a_part_put_again_replaces_the_first(self, store: ObjectStore, put: Put) -> None:
        upload = await opened(store, put)
        first = await upload.part(1, b"first")
        second = await upload.part(1, b"the second")
        (part,) = await store.list_parts(*upload.address)
        assert first != second
        assert (part.etag, part.size) == (bare_etag(second), 10)

    async def test_a_url_serves_more_than_once(self, store: ObjectStore, put: Put) -> None:
        upload = await opened(store, put)
        signed = await upload.signed(1)
        await put(signed, b"first")
        await put(signed, b"second")
        assert [part.size for part in await store.list_parts(*upload.address)] == [6]

    @pytest.mark.parametrize("body", [b"hello", b""])
    async def test_a_declared_length_is_a_header_that_the_client_must_send(
        self, store: ObjectStore, put: Put, body: bytes
    ) -> None:
        upload = await opened(store, put)
        signed = await store.sign_part(
            *upload.address, 1, expires_in=HOUR, content_length=len(body)
        )
        assert signed.headers == {"Content-Length": str(len(body))}
        await put(signed, body)
        assert [part.size for part in await store.list_parts(*upload.address)] == [len(body)]

    async def test_without_a_declared_length_no_header_is_demanded(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await opened(store, put)
        assert (await upload.signed(1)).headers == {}

    @pytest.mark.parametrize(
        ("asked", "given"),
        [
            (timedelta(minutes=5), timedelta(minutes=5)),
            (timedelta(days=7), timedelta(days=7)),
            (timedelta(days=30), timedelta(days=7)),
        ],
    )
    async def test_a_url_tells_the_end_of_its_life_which_is_7_days_at_most(
        self, store: ObjectStore, put: Put, asked: timedelta, given: timedelta
    ) -> None:
        upload = await opened(store, put)
        before = datetime.now(UTC)
        signed = await store.sign_part(*upload.address, 1, expires_in=asked)
        assert signed.expires_at.utcoffset() == timedelta(0)
        assert before + given - SLACK < signed.expires_at <= datetime.now(UTC) + given

    async def test_parts_signed_together_are_put_like_parts_signed_alone(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await opened(store, put)
        numbers = [MAX_PART_COUNT, 2, 9]
        signed = await store.sign_parts(*upload.address, numbers, expires_in=HOUR)
        assert list(signed.urls) == numbers
        for number, url in signed.urls.items():
            await put(SignedPart(url, {}, signed.expires_at), b"x" * number)
        parts = await store.list_parts(*upload.address)
        assert [(part.number, part.size) for part in parts] == [(n, n) for n in sorted(numbers)]

    async def test_parts_signed_together_share_the_end_of_their_life(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await opened(store, put)
        before, days = datetime.now(UTC), timedelta(days=30)
        signed = await store.sign_parts(
            *upload.address, range(1, MAX_PART_COUNT + 1), expires_in=days
        )
        assert len(set(signed.urls.values())) == MAX_PART_COUNT
        given = timedelta(days=7)
        assert before + given - SLACK < signed.expires_at <= datetime.now(UTC) + given

    async def test_uploads_of_one_key_do_not_share_parts(
        self, store: ObjectStore, put: Put
    ) -> None:
        first, second = await opened(store, put), await opened(store, put)
        await first.part(1, b"first")
        assert await store.list_parts(*second.address) == []

    async def test_open_uploads_are_listed_by_exactly_their_key(
        self, store: ObjectStore, put: Put
    ) -> None:
        mine = [await opened(store, put) for _ in range(2)]
        for key in (f"{KEY}2", f"{KEY}/more", KEY[:-1], KEY.upper()):
            await opened(store, put, new_object(key))
        listed = await store.list_uploads(KEY)
        assert {upload.store_upload_id for upload in listed} == {upload.id for upload in mine}
        assert len(listed) == len(mine)

    async def test_open_uploads_are_scanned_by_prefix_and_key(
        self, store: ObjectStore, put: Put
    ) -> None:
        keys = ["a/2/film", "a/1/film", "a/1/film", "b/3/film", "a/é/film"]
        made = [await opened(store, put, new_object(key)) for key in keys]
        page = await store.scan_uploads("a/")
        found = [(upload.key, upload.store_upload_id) for upload in page.uploads]
        assert sorted(found) == sorted(upload.address for upload in made if "a/" in upload.new.key)
        assert [key for key, _ in found] == ["a/1/film", "a/1/film", "a/2/film", "a/é/film"]
        assert page.next_after is None

    async def test_a_scan_goes_on_behind_a_key(self, store: ObjectStore, put: Put) -> None:
        for key in ("a/1/film", "a/2/film", "a/3/film"):
            await opened(store, put, new_object(key))
        page = await store.scan_uploads("a/", after="a/1/film")
        assert [upload.key for upload in page.uploads] == ["a/2/film", "a/3/film"]
        page = await store.scan_uploads("a/", after="a/3/film")
        assert (list(page.uploads), page.next_after) == ([], None)

    async def test_more_open_uploads_than_a_page_holds_are_all_scanned(
        self, store: ObjectStore, put: Put
    ) -> None:
        keys = [f"a/{n:04}/film" for n in range(PAGE + 1)]
        for start in range(0, len(keys), 50):
            batch = keys[start : start + 50]
            await asyncio.gather(*(opened(store, put, new_object(key)) for key in batch))
        page = await store.scan_uploads("a/")
        found = [upload.key for upload in page.uploads]
        while page.next_after is not None and len(found) < 2 * len(keys):
            page = await store.scan_uploads("a/", page.next_after)
            found += [upload.key for upload in page.uploads]
        assert found == keys

    async def test_an_open_upload_tells_when_it_began(self, store: ObjectStore, put: Put) -> None:
        await opened(store, put)
        (upload,) = await store.list_uploads(KEY)
        assert upload.initiated_at.utcoffset() == timedelta(0)
        assert upload.initiated_at < datetime.now(UTC) + SLACK

    async def test_a_key_without_uploads_lists_none(self, store: ObjectStore) -> None:
        assert await store.list_uploads(KEY) == []

    async def test_an_upload_that_never_was_has_no_list_of_parts(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await opened(store, put)
        with pytest.raises(StoreUploadGoneError):
            await store.list_parts(KEY, upload.id[::-1])
