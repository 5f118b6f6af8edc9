"""Promises about open uploads: sign, put, list."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ...application.ports import ObjectStore, SignedPart
from ...domain.checksum import crc64nvme, encode_checksum
from ...domain.errors import StoreUploadGoneError
from ...domain.limits import MAX_PART_COUNT
from ...domain.part import bare_etag
from .sample_uploads import HOUR, KEY, Put, new_object, open_upload

SLACK = timedelta(minutes=1)
"""Largest difference between the store's clock and ours."""

PAGE = 1000
"""Most uploads that S3 lists per page: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html"""


class PartUploadingContract:
    """Parts put to signed URLs are listed as they were sent."""

    async def test_new_upload_has_no_parts(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        assert await store.list_parts(*upload.key_and_id) == []

    async def test_part_put_to_its_url_is_listed(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        header = await upload.put_part(1, b"hello")
        (part,) = await store.list_parts(*upload.key_and_id)
        assert (part.number, part.size, part.etag) == (1, 5, bare_etag(header))
        assert abs(datetime.now(UTC) - part.stored_at) < SLACK
        assert part.stored_at.utcoffset() == timedelta(0)

    async def test_parts_are_listed_by_number_regardless_of_upload_order(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        for number in (10, 2, MAX_PART_COUNT, 9, 1):
            await upload.put_part(number, b"x" * number)
        parts = await store.list_parts(*upload.key_and_id)
        assert [part.number for part in parts] == [1, 2, 9, 10, MAX_PART_COUNT]
        assert [part.size for part in parts] == [1, 2, 9, 10, MAX_PART_COUNT]

    async def test_parts_put_concurrently_are_all_stored(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        await asyncio.gather(*(upload.put_part(n, b"x" * n) for n in range(1, 21)))
        parts = await store.list_parts(*upload.key_and_id)
        assert [(part.number, part.size) for part in parts] == [(n, n) for n in range(1, 21)]

    async def test_part_put_again_replaces_the_first(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        first = await upload.put_part(1, b"first")
        second = await upload.put_part(1, b"the second")
        (part,) = await store.list_parts(*upload.key_and_id)
        assert (first != second) == store.capabilities.answers_etag
        assert (part.etag, part.size) == (bare_etag(second), 10)

    async def test_signed_url_can_be_used_repeatedly(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        signed = await upload.sign(1)
        await put(signed, b"first")
        await put(signed, b"second")
        assert [part.size for part in await store.list_parts(*upload.key_and_id)] == [6]

    @pytest.mark.parametrize("body", [b"hello", b""])
    async def test_declared_length_is_returned_as_a_required_header(
        self, store: ObjectStore, put: Put, body: bytes
    ) -> None:
        upload = await open_upload(store, put)
        signed = await store.sign_part(
            *upload.key_and_id, 1, expires_in=HOUR, content_length=len(body)
        )
        assert signed.headers == {"Content-Length": str(len(body))}
        await put(signed, body)
        assert [part.size for part in await store.list_parts(*upload.key_and_id)] == [len(body)]

    async def test_part_of_the_signed_checksum_is_accepted(
        self, store: ObjectStore, put: Put
    ) -> None:
        if not store.capabilities.checks_parts:
            return
        upload = await open_upload(store, put)
        signed = await store.sign_part(
            *upload.key_and_id,
            1,
            expires_in=HOUR,
            content_length=5,
            checksum=encode_checksum(crc64nvme(b"hello")),
        )
        await put(signed, b"hello")
        assert [part.size for part in await store.list_parts(*upload.key_and_id)] == [5]

    async def test_no_header_is_required_without_a_declared_length(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        assert (await upload.sign(1)).headers == {}

    @pytest.mark.parametrize(
        ("requested", "granted"),
        [
            (timedelta(minutes=5), timedelta(minutes=5)),
            (timedelta(days=7), timedelta(days=7)),
            (timedelta(days=30), timedelta(days=7)),
        ],
    )
    async def test_signed_url_reports_its_expiry_of_at_most_7_days(
        self, store: ObjectStore, put: Put, requested: timedelta, granted: timedelta
    ) -> None:
        upload = await open_upload(store, put)
        before = datetime.now(UTC)
        signed = await store.sign_part(*upload.key_and_id, 1, expires_in=requested)
        assert signed.expires_at.utcoffset() == timedelta(0)
        assert before + granted - SLACK < signed.expires_at <= datetime.now(UTC) + granted

    async def test_urls_signed_as_a_batch_accept_parts(self, store: ObjectStore, put: Put) -> None:
        upload = await open_upload(store, put)
        numbers = [MAX_PART_COUNT, 2, 9]
        signed = await store.sign_parts(*upload.key_and_id, numbers, expires_in=HOUR)
        assert list(signed.urls) == numbers
        for number, url in signed.urls.items():
            await put(SignedPart(url, {}, signed.expires_at), b"x" * number)
        parts = await store.list_parts(*upload.key_and_id)
        assert [(part.number, part.size) for part in parts] == [(n, n) for n in sorted(numbers)]

    async def test_urls_signed_as_a_batch_share_one_expiry(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        before, days = datetime.now(UTC), timedelta(days=30)
        signed = await store.sign_parts(
            *upload.key_and_id, range(1, MAX_PART_COUNT + 1), expires_in=days
        )
        assert len(set(signed.urls.values())) == MAX_PART_COUNT
        granted = timedelta(days=7)
        assert before + granted - SLACK < signed.expires_at <= datetime.now(UTC) + granted

    async def test_uploads_of_one_key_do_not_share_parts(
        self, store: ObjectStore, put: Put
    ) -> None:
        first, second = await open_upload(store, put), await open_upload(store, put)
        await first.put_part(1, b"first")
        assert await store.list_parts(*second.key_and_id) == []

    async def test_list_uploads_matches_the_exact_key(self, store: ObjectStore, put: Put) -> None:
        mine = [await open_upload(store, put) for _ in range(2)]
        for key in (f"{KEY}2", f"{KEY}/more", KEY[:-1], KEY.upper()):
            await open_upload(store, put, new_object(key))
        listed = await store.list_uploads(KEY)
        assert {upload.store_upload_id for upload in listed} == {upload.id for upload in mine}
        assert len(listed) == len(mine)

    async def test_scan_returns_uploads_under_the_prefix_ordered_by_key(
        self, store: ObjectStore, put: Put
    ) -> None:
        keys = ["a/2/film", "a/1/film", "a/1/film", "b/3/film", "a/é/film"]
        made = [await open_upload(store, put, new_object(key)) for key in keys]
        page = await store.scan_uploads("a/")
        found = [(upload.key, upload.store_upload_id) for upload in page.uploads]
        assert sorted(found) == sorted(
            upload.key_and_id for upload in made if "a/" in upload.new.key
        )
        assert [key for key, _ in found] == ["a/1/film", "a/1/film", "a/2/film", "a/é/film"]
        assert page.next_after is None

    async def test_scan_continues_after_the_given_key(self, store: ObjectStore, put: Put) -> None:
        for key in ("a/1/film", "a/2/film", "a/3/film"):
            await open_upload(store, put, new_object(key))
        page = await store.scan_uploads("a/", after="a/1/film")
        assert [upload.key for upload in page.uploads] == ["a/2/film", "a/3/film"]
        page = await store.scan_uploads("a/", after="a/3/film")
        assert (list(page.uploads), page.next_after) == ([], None)

    async def test_scan_returns_all_uploads_over_several_pages(
        self, store: ObjectStore, put: Put
    ) -> None:
        keys = [f"a/{n:04}/film" for n in range(PAGE + 1)]
        for start in range(0, len(keys), 50):
            batch = keys[start : start + 50]
            await asyncio.gather(*(open_upload(store, put, new_object(key)) for key in batch))
        page = await store.scan_uploads("a/")
        found = [upload.key for upload in page.uploads]
        while page.next_after is not None and len(found) < 2 * len(keys):
            page = await store.scan_uploads("a/", page.next_after)
            found += [upload.key for upload in page.uploads]
        assert found == keys

    async def test_listed_upload_has_its_initiation_time_in_utc(
        self, store: ObjectStore, put: Put
    ) -> None:
        await open_upload(store, put)
        (upload,) = await store.list_uploads(KEY)
        assert upload.initiated_at.utcoffset() == timedelta(0)
        assert upload.initiated_at < datetime.now(UTC) + SLACK

    async def test_key_without_uploads_lists_none(self, store: ObjectStore) -> None:
        assert await store.list_uploads(KEY) == []

    async def test_listing_parts_of_an_unknown_upload_raises_gone(
        self, store: ObjectStore, put: Put
    ) -> None:
        upload = await open_upload(store, put)
        with pytest.raises(StoreUploadGoneError):
            await store.list_parts(KEY, upload.id[::-1])
