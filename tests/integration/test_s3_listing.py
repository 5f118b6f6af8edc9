"""Lists of parts and uploads that end early or that stores page in their own way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.session import get_session

from multipart_upload.adapters.s3 import open_s3_store
from multipart_upload.application.ports import ObjectStore
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.testing.contract.sample_uploads import KEY, new_object
from tests.servers.minio import minio_dialect
from tests.servers.s3 import fresh_bucket
from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import S3Proxy
from tests.servers.scripted_server import ScriptedServer, http_answer

from .scripted_store import answering

ID = "2~abc"


def page_of_parts(
    numbers: Sequence[int], *, is_truncated: bool, marker: int | None = None, most: int = 1000
) -> bytes:
    parts = "".join(
        f'<Part><PartNumber>{number}</PartNumber><ETag>"e{number}"</ETag><Size>5</Size>'
        "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Part>"
        for number in numbers
    )
    following = "" if marker is None else f"<NextPartNumberMarker>{marker}</NextPartNumberMarker>"
    return http_answer(
        "200 OK",
        f"<ListPartsResult><MaxParts>{most}</MaxParts>"
        f"<IsTruncated>{str(is_truncated).lower()}</IsTruncated>{following}{parts}"
        "</ListPartsResult>",
    )


def page_of_uploads(keys: Sequence[str], next_marker: str | None) -> bytes:
    uploads = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{ID}</UploadId>"
        "<Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>"
        for key in keys
    )
    marker = "" if next_marker is None else f"<NextKeyMarker>{next_marker}</NextKeyMarker>"
    truncated = str(next_marker is not None).lower()
    result = "ListMultipartUploadsResult"
    return http_answer(
        "200 OK", f"<{result}><IsTruncated>{truncated}</IsTruncated>{marker}{uploads}</{result}>"
    )


def markers(server: ScriptedServer, name: str) -> list[str]:
    """Read a query parameter out of each request, empty where it is not sent."""
    targets = [head.split(" ")[1] for head in server.requests]
    return [(target + f"{name}=").split(f"{name}=")[1].split("&")[0] for target in targets]


@pytest.mark.parametrize("marker", [None, 0, 1, 999])
async def test_a_page_of_parts_starts_after_the_last_part_despite_a_wrong_marker(
    marker: int | None,
) -> None:
    pages = [
        page_of_parts([1, 2], is_truncated=True, marker=marker),
        page_of_parts([3, 7], is_truncated=True, marker=marker),
        page_of_parts([8], is_truncated=False),
    ]
    async with answering(*pages) as (store, server):
        parts = await store.list_parts(KEY, ID)
    assert [part.number for part in parts] == [1, 2, 3, 7, 8]
    assert markers(server, "part-number-marker") == ["", "2", "7"]


@pytest.mark.parametrize(
    "second",
    [
        page_of_parts([], is_truncated=True, marker=2),
        page_of_parts([1, 2], is_truncated=True, marker=2),
    ],
    ids=["an empty page", "the same page"],
)
async def test_a_list_that_announces_more_parts_than_follow_is_unavailability(
    second: bytes,
) -> None:
    first = page_of_parts([1, 2], is_truncated=True, marker=2)
    async with answering(first, second) as (store, server):
        with pytest.raises(StoreUnavailableError):
            await store.list_parts(KEY, ID)
    assert len(server.requests) == 2


async def test_after_a_full_page_of_parts_the_next_is_read() -> None:
    # As from a store that lists at most 1,000 parts and does not say that there are more.
    full = page_of_parts(range(1, 1001), is_truncated=False)
    rest = page_of_parts(range(1001, 1153), is_truncated=False)
    async with answering(full, rest) as (store, server):
        assert len(await store.list_parts(KEY, ID)) == 1152
    assert markers(server, "part-number-marker") == ["", "1000"]


@pytest.mark.parametrize("second", [range(0), range(1, 1001)], ids=["empty", "the same"])
async def test_a_full_page_without_a_next_page_is_the_last(second: range) -> None:
    full = page_of_parts(range(1, 1001), is_truncated=False)
    async with answering(full, page_of_parts(second, is_truncated=False)) as (store, _):
        assert len(await store.list_parts(KEY, ID)) == 1000


async def test_a_partial_page_is_the_last() -> None:
    async with answering(page_of_parts(range(1, 1000), is_truncated=False)) as (store, server):
        assert len(await store.list_parts(KEY, ID)) == 999
    assert len(server.requests) == 1


@pytest.mark.parametrize("next_marker", ["in.", "in", "a"])
async def test_a_scan_whose_marker_does_not_advance_is_unavailability(next_marker: str) -> None:
    async with answering(page_of_uploads([], next_marker)) as (store, _):
        with pytest.raises(StoreUnavailableError):
            await store.scan_uploads("in/")


async def test_a_scan_ends_after_the_last_key_of_its_prefix() -> None:
    keys = ["in/ada/1/f", "in/bob/2/f", "in0/x", "jobs/y"]
    async with answering(page_of_uploads(keys, "jobs/y")) as (store, server):
        page = await store.scan_uploads("in/")
    assert [upload.key for upload in page.uploads] == keys[:2]
    assert page.next_after is None
    assert markers(server, "key-marker") == ["in."]


async def test_a_scan_continues_before_the_first_key_of_its_prefix() -> None:
    async with answering(page_of_uploads(["in./a"], "in./a")) as (store, _):
        page = await store.scan_uploads("in/")
    assert (list(page.uploads), page.next_after) == ([], "in./a")


@pytest.mark.integration
class TestOnMinio:
    @pytest.fixture
    async def store(self, versitygw: S3Server) -> AsyncIterator[ObjectStore]:
        config = fresh_bucket(versitygw)
        client: Any = get_session().create_client(
            "s3",
            region_name=config.region,
            endpoint_url=config.endpoint_url,
            aws_access_key_id=config.access_key_id,
            aws_secret_access_key=config.secret_access_key,
        )
        async with S3Proxy.open(versitygw.endpoint_url) as proxy:
            proxy.faults.update(minio_dialect(client, config.bucket))
            async with open_s3_store(replace(config, endpoint_url=proxy.url)) as store:
                yield store
        client.close()

    async def test_open_uploads_are_scanned_by_prefix(self, store: ObjectStore) -> None:
        for key in ("in/bob/2/f", "backup/disk.img", "in/ada/1/f", "inbox/3/f"):
            await store.create_upload(new_object(key))
        page = await store.scan_uploads("in/")
        assert [upload.key for upload in page.uploads] == ["in/ada/1/f", "in/bob/2/f"]
        assert page.next_after is None
        page = await store.scan_uploads("in/", "in/ada/1/f")
        assert [upload.key for upload in page.uploads] == ["in/bob/2/f"]

    async def test_open_uploads_are_listed_by_their_key(self, store: ObjectStore) -> None:
        for key in ("in/ada/1/f", "in/ada/1/f2", "in/ada/1/f"):
            await store.create_upload(new_object(key))
        assert len(await store.list_uploads("in/ada/1/f")) == 2
        assert await store.list_uploads("in/ada/") == []
