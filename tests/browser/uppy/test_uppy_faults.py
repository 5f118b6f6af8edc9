"""Faults during an upload, and how Uppy 5 and 6 handle them with this service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.async_api import Route

from tests.e2e.bucket import Bucket
from tests.e2e.service import Service, running_service
from tests.e2e.upload import MIB
from tests.patience import PATIENCE_SECONDS

from .uppy_page import OpenUppy, holds, key_of, only

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SIZE: Final = 25 * MIB
URL_SECONDS: Final = 10
"""Long enough for a slow machine to send the other parts."""
ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "*"}


@pytest.fixture
def brief(settings: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    """Provide a service whose URLs expire soon."""
    with running_service(tmp_path, {**settings, "SIGNED_URL_SECONDS": str(URL_SECONDS)}) as service:
        yield service


async def test_part_that_fails_three_times_is_sent_a_fourth_time(
    open_uppy: OpenUppy, bucket: Bucket
) -> None:
    uppy = await open_uppy(multipart="1")
    failures = 0

    async def fail(route: Route) -> None:
        nonlocal failures
        failures += 1
        if failures > 3:
            await route.continue_()
        else:
            await route.fulfill(status=503, headers=ANY_ORIGIN)

    await uppy.page.route("**/*partNumber=3&*", fail)
    await uppy.add("film.mp4", SIZE)

    assert holds(bucket, only(await uppy.upload()), SIZE)
    assert sorted(uppy.parts_put()) == [1, 2, 3, 3, 3, 3, 4, 5]


async def test_expired_url_is_replaced(
    open_uppy: OpenUppy, brief: Service, bucket: Bucket, generation: str
) -> None:
    uppy = await open_uppy(brief, multipart="1")
    refusals: list[int] = []

    async def come_late(route: Route) -> None:
        if refusals:
            await route.continue_()
            return
        await asyncio.sleep(URL_SECONDS + 1)
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as http:
            refusal = await http.put(route.request.url, content=b"too late")
        refusals.append(refusal.status_code)
        # On AWS a page may read the error; on versitygw it may not.
        await route.fulfill(status=refusal.status_code, body=refusal.text, headers=ANY_ORIGIN)

    await uppy.page.route("**/*partNumber=2&*", come_late)
    await uppy.add("film.mp4", SIZE)
    result = await uppy.upload()
    assert refusals == [403]
    if generation == "uppy6":
        # This version keeps using the old URL; the user has to press "retry".
        assert result["successful"] == []
        result = await uppy.do("retried()")

    assert holds(bucket, only(result), SIZE)
    assert len(uppy.sent("GET", "/2?")) > 1
    assert uppy.parts_put().count(1) == 1


async def test_complete_whose_response_is_lost_still_succeeds(
    open_uppy: OpenUppy, bucket: Bucket, generation: str
) -> None:
    uppy = await open_uppy(multipart="1")
    completed: list[str] = []

    async def lose_the_first(route: Route) -> None:
        if completed:
            await route.continue_()
            return
        answer = await route.fetch()
        completed.append((await answer.json())["key"])
        await route.abort()

    await uppy.page.route("**/complete?*", lose_the_first)
    await uppy.add("film.mp4", SIZE)

    failed = await uppy.upload()
    assert len(failed["failed"]) == 1
    result = await uppy.do("retried()")

    assert holds(bucket, completed[0], SIZE)
    if generation == "uppy6":
        # This version lists the parts, finds all of them, and completes again.
        assert only(result) == completed[0]
        assert sorted(uppy.parts_put()) == [1, 2, 3, 4, 5]
    else:
        # This version discards the upload, which keeps the object, and starts again.
        assert await uppy.answers("DELETE", "/s3/multipart/") == [{}]
        assert only(result) != completed[0]
        assert holds(bucket, key_of(result["successful"][0]), SIZE)
