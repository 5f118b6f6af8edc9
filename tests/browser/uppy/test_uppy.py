"""Uppy 5 and 6, unmodified, in a real browser, on the routes under /s3."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.e2e.bucket import Bucket
from tests.e2e.upload import MIB

from .uppy_page import OpenUppy, holds, key_of, only

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SIZE: Final = 25 * MIB
ALL: Final = [1, 2, 3, 4, 5]
SLOW: Final = 8 * MIB
"""Bytes per second: slow enough to interrupt; the file takes three seconds."""


async def test_file_arrives_unchanged(open_uppy: OpenUppy, bucket: Bucket) -> None:
    uppy = await open_uppy(multipart="1")
    await uppy.add("film.mp4", SIZE, author="Zoë", rating=5, nothing=None)

    key = only(await uppy.upload())

    stored = bucket.download(key)
    assert sorted(uppy.parts_put()) == ALL
    assert holds(bucket, key, SIZE)
    assert (stored.content_type, stored.disposition) == (
        "video/mp4",
        'attachment; filename="film.mp4"',
    )
    assert stored.metadata["rating"] == "5"
    assert stored.metadata["author"].startswith("=?UTF-8?")


async def test_small_file_is_sent_in_one_request(open_uppy: OpenUppy, bucket: Bucket) -> None:
    uppy = await open_uppy(path="/")
    await uppy.add("наш отпуск.txt", 100_000, type_="text/plain", author="Zoë")

    key = only(await uppy.upload())

    assert uppy.parts_put() == []
    assert holds(bucket, key, 100_000)
    assert bucket.download(key).content_type == "text/plain"
    assert bucket.download(key).metadata["author"].startswith("=?UTF-8?")


async def test_paused_upload_stops_and_resumes(open_uppy: OpenUppy, bucket: Bucket) -> None:
    uppy = await open_uppy(multipart="1", limit="2")
    await uppy.throttle(SLOW)
    await uppy.add("film.mp4", SIZE)
    await uppy.when_sent(13 * MIB, "uppy.pauseAll()")

    await uppy.begin()
    await uppy.waits_for("uppy.getFiles()[0].isPaused")
    at_pause = uppy.parts_put()
    await asyncio.sleep(0.7)
    assert uppy.parts_put() == at_pause
    await uppy.do("uppy.resumeAll()")

    assert holds(bucket, only(await uppy.ended()), SIZE)
    assert uppy.parts_put().count(1) == 1


async def test_reloaded_page_resumes_the_upload(open_uppy: OpenUppy, bucket: Bucket) -> None:
    uppy = await open_uppy(multipart="1", limit="2", retriever="1")
    await uppy.throttle(SLOW)
    await uppy.add("film.mp4", SIZE)
    await uppy.begin()
    # By then Golden Retriever, which saves every half second, has stored the upload.
    await uppy.waits_for(f"sent() >= {13 * MIB}")

    await uppy.page.reload()
    await uppy.waits_for("window.isRestored")
    result = await uppy.do("restored()")

    assert holds(bucket, only(result), SIZE)
    assert len(uppy.sent("POST", "/s3/multipart")) == 2  # one create and one complete
    assert uppy.parts_put().count(1) == 1


async def test_a_cancelled_upload_leaves_nothing_in_s3(open_uppy: OpenUppy, bucket: Bucket) -> None:
    uppy = await open_uppy(multipart="1")
    await uppy.throttle(SLOW)
    await uppy.add("film.mp4", SIZE)
    await uppy.when_sent(8 * MIB, "uppy.cancelAll()")

    # Not `requestfinished`: Uppy 6 does not read the body, and without a cache Chromium then never
    # finishes the request.
    async with uppy.page.expect_response(lambda got: got.request.method == "DELETE") as deleted:
        await uppy.begin()

    (created,) = await uppy.answers("POST", "/s3/multipart")
    response = await deleted.value
    assert created["uploadId"] in response.url
    assert (response.status, response.headers["content-length"]) == (200, str(len("{}")))
    assert bucket.open_uploads(created["key"]) == []
    assert not bucket.has(created["key"])


async def test_ten_concurrent_files_all_arrive(open_uppy: OpenUppy, bucket: Bucket) -> None:
    uppy = await open_uppy(multipart="1")
    sizes = [0, 1, 70_000, 5 * MIB, 5 * MIB + 1, 6 * MIB, 7 * MIB, 3 * MIB, 11 * MIB, 2]
    for seed, size in enumerate(sizes):
        await uppy.add(f"{seed} Zoë+100%.mp4", size, seed)

    result = await uppy.upload()

    assert result["failed"] == []
    stored = {file["name"]: key_of(file) for file in result["successful"]}
    assert len(stored) == len(sizes)
    for seed, size in enumerate(sizes):
        assert holds(bucket, stored[f"{seed} Zoë+100%.mp4"], size, seed)
