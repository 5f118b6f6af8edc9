"""A later run goes on with an upload that was interrupted."""

from __future__ import annotations

import asyncio
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
from tests.servers.s3_proxy import Forward, S3Request, blocked_until, cut_after, cut_before

from .environment import PART_SIZE, Environment, some_file

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


@contextmanager
def part_held(environment: Environment, number: int) -> Iterator[threading.Event]:
    """Hold the PUTs of a part; the event is set when the first has arrived."""
    arrived, release = threading.Event(), threading.Event()

    async def hold(request: S3Request, forward: Forward) -> bytes:
        if int(request.query["partNumber"]) != number:
            return await forward()
        arrived.set()
        return await blocked_until(release)(request, forward)

    environment.store_proxy.faults["PUT"] = hold
    try:
        yield arrived
    finally:
        release.set()


async def interrupt(environment: Environment, file: Path) -> UploadReference:
    """Upload until the second part fails. Return the reference of the open upload."""

    async def refuse_second(request: S3Request, forward: Forward) -> bytes:
        fault = cut_before if request.query["partNumber"] == "2" else None
        return await (fault(request, forward) if fault else forward())

    environment.store_proxy.faults["PUT"] = refuse_second
    retry = RetryPolicy(attempts=2, sleep=environment.delays.sleep)
    async with environment.async_client(parallel=1, retry=retry) as client:
        with pytest.raises(NoAnswerError) as raised:
            await client.upload(file)
    assert raised.value.reference is not None
    return raised.value.reference


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


async def test_all_parts_are_sent_again_when_the_store_has_lost_the_upload(
    environment: Environment, file: Path
) -> None:
    reference = await interrupt(environment, file)
    bucket = environment.bucket
    (store_id,) = bucket.open_uploads(reference.key)
    bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=reference.key, UploadId=store_id)
    puts = environment.count_puts()
    async with environment.async_client() as client:
        result = await client.upload(file)
    assert result.key == reference.key
    assert puts.keys() == {1, 2, 3}
    environment.require_stored(result.key, file)


async def test_all_parts_are_sent_again_when_the_store_loses_the_upload_meanwhile(
    environment: Environment, file: Path
) -> None:
    bucket = environment.bucket

    async def lose(request: S3Request, forward: Forward) -> bytes:
        if request.query["partNumber"] == "3":
            environment.store_proxy.faults.clear()
            bucket.client.abort_multipart_upload(
                Bucket=bucket.name, Key=request.key, UploadId=request.query["uploadId"]
            )
        return await forward()

    environment.store_proxy.faults["PUT"] = lose
    sent: list[int] = []
    async with environment.async_client(parallel=1) as client:
        result = await client.upload(file, on_progress=lambda now: sent.append(now.sent))
    assert sent[-1] == result.size
    assert sent != sorted(sent)
    environment.require_stored(result.key, file)


async def test_two_runs_of_the_same_file_share_the_upload(
    environment: Environment, file: Path
) -> None:
    reference = await interrupt(environment, file)
    environment.store_proxy.faults.clear()
    async with environment.async_client() as one, environment.async_client() as other:
        results = await asyncio.gather(one.upload(file), other.upload(file))
    assert [result.key for result in results] == [reference.key] * 2
    environment.require_stored(reference.key, file)


@pytest.mark.parametrize("end", ["complete", "abort"])
async def test_upload_that_another_run_has_ended(
    environment: Environment, file: Path, end: str
) -> None:
    async with environment.async_client() as client, environment.async_client() as other:
        with part_held(environment, 3) as arrived:
            uploading = asyncio.create_task(client.upload(file))
            await asyncio.to_thread(wait_until, arrived.is_set, "the third part is on its way")
            environment.store_proxy.faults.clear()
            (listed,) = [upload async for upload in other.uploads()]
            if end == "complete":
                await other.upload(file)
            else:
                await other.abort(listed.reference)
        if end == "complete":
            assert (await uploading).key == listed.key
        else:
            with pytest.raises(UploadEndedError, match="aborted"):
                await uploading
    environment.require_nothing_open()


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


async def test_part_with_wrong_bytes_in_the_store_is_sent_again(
    environment: Environment, file: Path
) -> None:
    # The store has another part of this number than was reported.
    async def replace_first(request: S3Request, forward: Forward) -> bytes:
        answer = await forward()
        if request.key == "upload-parts":
            environment.api_proxy.faults.clear()
            (key,) = [upload["key"] for upload in environment.uploads()]
            (store_id,) = environment.bucket.open_uploads(key)
            environment.bucket.client.upload_part(
                Bucket=environment.bucket.name,
                Key=key,
                UploadId=store_id,
                PartNumber=1,
                Body=b"wrong",
            )
        return answer

    environment.api_proxy.faults["POST"] = replace_first
    puts = environment.count_puts()
    async with environment.async_client(parallel=1) as client:
        result = await client.upload(file)
    assert puts == {1: 2, 2: 1, 3: 1}
    environment.require_stored(result.key, file)


async def test_part_without_an_acknowledgement_is_sent_again(
    environment: Environment, file: Path
) -> None:
    # The store may list a part whose connection was cut, with wrong bytes.
    reference = await interrupt(environment, file)
    (store_id,) = environment.bucket.open_uploads(reference.key)
    environment.bucket.client.upload_part(
        Bucket=environment.bucket.name,
        Key=reference.key,
        UploadId=store_id,
        PartNumber=2,
        Body=b"x" * PART_SIZE,
    )
    puts = environment.count_puts()
    async with environment.async_client() as client:
        result = await client.upload(file)
    assert puts == {2: 1, 3: 1}
    environment.require_stored(result.key, file)


async def test_upload_of_an_unknown_user_is_not_found(environment: Environment, file: Path) -> None:
    reference = await interrupt(environment, file)
    async with environment.async_client(user_id="mallory") as client:
        with pytest.raises(ServiceError) as raised:
            await client.upload(file, reference=reference)
    assert raised.value.code == "upload-not-found"
