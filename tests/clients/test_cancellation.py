"""A cancelled upload leaves nothing, or what the next run needs."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from multipart_upload_client import AsyncClient, Progress, SourceChangedError, UploadResult
from tests.servers.s3_proxy import Forward, S3Request, blocked_until

from .environment import Environment, some_file

pytestmark = pytest.mark.e2e


class Interruption:
    """A fault that says when the server has answered a request, and holds the answer."""

    def __init__(self) -> None:
        self.reached, self.release = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()

    async def __call__(self, request: S3Request, forward: Forward) -> bytes:
        answer = await forward()
        # The proxy runs in a thread of its own.
        self._loop.call_soon_threadsafe(self.reached.set)
        await blocked_until(self.release)(request, _no_answer)
        return answer


async def _no_answer() -> bytes:
    return b""


async def cancel_at(
    interruption: Interruption, upload: Callable[[], Awaitable[UploadResult]]
) -> None:
    """Start an upload, and cancel it while it waits for the answer."""
    task = asyncio.ensure_future(upload())
    await interruption.reached.wait()
    task.cancel()
    interruption.release.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_upload_leaves_nothing(environment: Environment, file: Path) -> None:
    interruption = Interruption()
    environment.fail_put(interruption)
    async with environment.async_client() as client:
        await cancel_at(interruption, lambda: client.upload(file))
    environment.require_nothing_open()
    assert [upload["status"] for upload in environment.uploads()] == ["aborted"]


@pytest.mark.parametrize("is_saved", [True, False], ids=["saved", "not saved"])
async def test_upload_cancelled_while_it_starts_leaves_nothing(
    environment: Environment, file: Path, *, is_saved: bool
) -> None:
    interruption = Interruption()
    environment.fail_route("start-upload", interruption)
    state_folder = environment.state_folder if is_saved else None
    async with environment.async_client(state_folder=state_folder) as client:
        await cancel_at(interruption, lambda: client.upload(file))
    environment.require_nothing_open()
    assert [upload["status"] for upload in environment.uploads()] == ["aborted"]


async def test_cancelled_upload_may_stay_for_the_next_run(
    environment: Environment, file: Path
) -> None:
    interruption = Interruption()
    environment.fail_put(interruption)
    async with environment.async_client() as client:
        await cancel_at(interruption, lambda: client.upload(file, abort_on_cancel=False))
        result = await client.upload(file)
    assert [upload["key"] for upload in environment.uploads()] == [result.key]
    environment.require_stored(result.key, file)


async def test_upload_cancelled_while_it_is_resumed_leaves_nothing(
    environment: Environment, file: Path
) -> None:
    first, second = Interruption(), Interruption()
    environment.fail_put(first)
    async with environment.async_client() as client:
        await cancel_at(first, lambda: client.upload(file, abort_on_cancel=False))
        environment.fail_route("upload-status", second)
        await cancel_at(second, lambda: client.upload(file))
    environment.require_nothing_open()
    assert [upload["status"] for upload in environment.uploads()] == ["aborted"]


async def test_exception_of_a_callback_leaves_nothing(environment: Environment, file: Path) -> None:
    def fail(progress: Progress) -> None:
        if progress.parts_sent:
            raise RuntimeError(progress.filename)

    async with environment.async_client() as client:
        with pytest.raises(RuntimeError, match=r"film\.bin"):
            await client.upload(file, on_progress=fail)
    environment.require_nothing_open()


async def test_file_that_changes_meanwhile_leaves_nothing(
    environment: Environment, file: Path
) -> None:
    def touch(progress: Progress) -> None:
        if progress.parts_sent == 1:
            os.utime(file, (1, 1))

    async with environment.async_client() as client:
        with pytest.raises(SourceChangedError):
            await client.upload(file, on_progress=touch)
    environment.require_nothing_open()


async def test_file_that_becomes_shorter_leaves_nothing(
    environment: Environment, file: Path
) -> None:
    def truncate(progress: Progress) -> None:
        if progress.parts_sent == 1:
            os.truncate(file, 10)

    async with environment.async_client(parallel=1) as client:
        with pytest.raises(SourceChangedError):
            await client.upload(file, on_progress=truncate)
    environment.require_nothing_open()


async def test_cancelling_one_upload_does_not_end_another(
    environment: Environment, file: Path
) -> None:
    interruption = Interruption()
    environment.fail_put(interruption)
    other = some_file(file.with_name("other.bin"))

    async def upload_twice(client: AsyncClient) -> UploadResult:
        await cancel_at(interruption, lambda: client.upload(file))
        return await client.upload(file)

    async with environment.async_client(parallel=2) as client:
        results = await asyncio.gather(upload_twice(client), client.upload(other))
    for result in results:
        environment.require_content(result.key, file)
    environment.require_nothing_open()
