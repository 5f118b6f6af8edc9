"""A later run resumes an upload that was interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from multipart_upload_client import (
    NoAnswerError,
    RetryPolicy,
    ServiceError,
    UploadEndedError,
    UploadError,
    UploadReference,
)
from tests.patience import wait_until
from tests.servers.s3_proxy import Forward, S3Request, blocked_until, cut_after

from .environment import PART_SIZE, Environment, some_file
from .interruptions import interrupt, part_held

pytestmark = pytest.mark.e2e

PROGRAM: Final = """
import sys
from pathlib import Path
from multipart_upload_client import Client

api, user, state, file = sys.argv[1:]
with Client(api, user_id=user, state_folder=Path(state), parallel=1) as client:
    client.upload(file)
"""

CHANGES: Final[Mapping[str, Callable[[Path], object]]] = {
    "content": lambda file: file.write_bytes(file.read_bytes() + b"more"),
    "time": lambda file: os.utime(file, (1, 1)),
}


@contextmanager
def process(environment: Environment, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Upload in another process, one part at a time."""
    arguments = [environment.api_proxy.url, environment.user_id, environment.state_folder, file]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, arguments)]) as running:
        try:
            yield running
        finally:
            running.kill()


def test_killed_process_is_resumed_without_the_parts_already_stored(
    environment: Environment, file: Path
) -> None:
    with part_held(environment, 3) as arrived, process(environment, file) as running:
        wait_until(arrived.is_set, "the third part is on its way")
        running.kill()
        running.wait()
    puts = environment.count_puts()
    resumed: list[int] = []
    with environment.client() as client:
        result = client.upload(file, on_progress=lambda now: resumed.append(now.resumed))
    assert puts == {3: 1}
    assert set(resumed) == {2 * PART_SIZE}
    environment.require_stored(result.key, file)


def test_process_killed_while_it_starts_leaves_one_upload(
    environment: Environment, file: Path
) -> None:
    started, release = threading.Event(), threading.Event()

    async def hold_answer(request: S3Request, forward: Forward) -> bytes:
        answer = await forward()
        started.set()
        await blocked_until(release)(request, forward)
        return answer

    environment.api_proxy.faults["POST"] = hold_answer
    with process(environment, file) as running:
        wait_until(started.is_set, "the service has started the upload")
        running.kill()
        running.wait()
    release.set()
    environment.api_proxy.faults.clear()
    with environment.client() as client:
        result = client.upload(file)
    assert [upload["key"] for upload in environment.uploads()] == [result.key]
    environment.require_stored(result.key, file)


async def test_lost_answer_of_complete_is_found_by_the_next_run(
    environment: Environment, file: Path
) -> None:
    environment.fail_route("complete-upload", cut_after)
    retry = RetryPolicy(attempts=1)
    async with environment.async_client(retry=retry) as client:
        with pytest.raises(NoAnswerError):
            await client.upload(file)
        puts = environment.count_puts()
        result = await client.upload(file)
    assert puts == {}
    environment.require_stored(result.key, file)


async def test_upload_is_resumed_by_its_reference_without_a_state_file(
    environment: Environment, file: Path
) -> None:
    reference = await interrupt(environment, file)
    puts = environment.count_puts()
    async with environment.async_client(state_folder=None) as client:
        with file.open("rb") as opened:
            result = await client.upload(opened, reference=reference)
    assert puts == {2: 1, 3: 1}
    assert result.key == reference.key


async def test_reference_of_another_file_is_refused(environment: Environment, file: Path) -> None:
    reference = await interrupt(environment, file)
    async with environment.async_client() as client:
        with pytest.raises(UploadError, match="not of 5"):
            await client.upload(some_file(file.parent / "other", 5), reference=reference)


async def test_reference_of_an_aborted_upload_is_refused(
    environment: Environment, file: Path
) -> None:
    reference = await interrupt(environment, file)
    async with environment.async_client() as client:
        await client.abort(reference)
        with pytest.raises(UploadEndedError, match="aborted"):
            await client.upload(file, reference=reference)


@pytest.mark.parametrize("change", CHANGES)
async def test_changed_file_is_not_resumed(
    environment: Environment, file: Path, change: str
) -> None:
    await interrupt(environment, file)
    CHANGES[change](file)
    puts = environment.count_puts()
    async with environment.async_client() as client:
        result = await client.upload(file)
    assert puts == {1: 1, 2: 1, 3: 1}
    assert [upload["status"] for upload in environment.uploads()] == ["completed", "aborted"]
    environment.require_stored(result.key, file)


async def test_upload_is_not_resumed_if_not_wanted(environment: Environment, file: Path) -> None:
    await interrupt(environment, file)
    puts = environment.count_puts()
    async with environment.async_client() as client:
        result = await client.upload(file, resume=False)
    assert puts == {1: 1, 2: 1, 3: 1}
    environment.require_stored(result.key, file)


async def test_upload_that_has_ended_meanwhile_is_started_again(
    environment: Environment, file: Path
) -> None:
    reference = await interrupt(environment, file)
    environment.store_proxy.faults.clear()
    async with environment.async_client() as client:
        await client.abort(reference)
        result = await client.upload(file)
    assert result.key != reference.key
    environment.require_stored(result.key, file)


async def test_damaged_state_file_is_ignored(environment: Environment, file: Path) -> None:
    await interrupt(environment, file)
    environment.store_proxy.faults.clear()
    (saved,) = environment.saved
    saved.write_text("{")
    async with environment.async_client() as client:
        result = await client.upload(file)
    environment.require_content(result.key, file)
    assert environment.saved == []


async def test_reference_leaves_another_saved_upload_alone(
    environment: Environment, file: Path
) -> None:
    async with environment.async_client(state_folder=None) as client:
        with pytest.raises(BlockingIOError):
            await client.upload(file, on_started=fail)
    (other,) = environment.uploads()
    saved = await interrupt(environment, file)
    environment.store_proxy.faults.clear()
    async with environment.async_client() as client:
        reference = UploadReference(other["upload_id"], other["key"])
        assert (await client.upload(file, reference=reference)).key == other["key"]
        assert (await client.upload(file)).key == saved.key


def fail(_: UploadReference) -> None:
    raise BlockingIOError


async def test_upload_of_an_unknown_user_is_not_found(environment: Environment, file: Path) -> None:
    reference = await interrupt(environment, file)
    async with environment.async_client(user_id="mallory") as client:
        with pytest.raises(ServiceError) as raised:
            await client.upload(file, reference=reference)
    assert raised.value.code == "upload-not-found"
