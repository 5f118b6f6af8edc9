"""Streams of unknown length, and how much of one is in memory."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import pytest

from multipart_upload_client import NoAnswerError, RetryPolicy, StreamTooLongError, UploadReference
from tests.e2e.upload import MIB, some_bytes
from tests.servers.s3_proxy import Forward, S3Request, blocked_until, cut_after, cut_before

from .environment import Environment

pytestmark = pytest.mark.e2e

STREAM_PART: Final = 16 * MIB


@contextmanager
def pipe(body: bytes) -> Iterator[BinaryIO]:
    """Write a body into a pipe, in pieces of the pipe's own size."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(body)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reading, "rb", buffering=0) as file:
        yield file
    thread.join()


class CountingStream(io.RawIOBase):
    """A stream that cannot seek and counts the bytes that were read."""

    def __init__(self, size: int) -> None:
        self.size, self.position = size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = min(len(buffer), self.size - self.position)
        self.position += count
        return count


@pytest.mark.parametrize("size", [0, 5, STREAM_PART, STREAM_PART + 1])
async def test_pipe_is_uploaded(environment: Environment, tmp_path: Path, size: int) -> None:
    body = some_bytes(size)
    sizes: list[tuple[int | None, int]] = []
    with pipe(body) as stream:
        async with environment.async_client() as client:
            result = await client.upload(
                stream,
                filename="dump.sql",
                on_progress=lambda now: sizes.append((now.size, now.sent)),
            )
    assert result.size == size
    assert result.key.endswith("/dump.sql")
    assert sizes[-1] == (None, size)
    file = tmp_path / "body"
    file.write_bytes(body)
    environment.require_stored(result.key, file)


def test_open_file_is_uploaded_from_its_position(environment: Environment, file: Path) -> None:
    with file.open("rb") as opened, environment.client() as client:
        opened.seek(7)
        result = client.upload(opened)
    assert result.size == file.stat().st_size - 7
    assert environment.bucket.download(result.key).body == file.read_bytes()[7:]


def test_bytes_in_memory_are_uploaded(environment: Environment) -> None:
    with environment.client() as client:
        result = client.upload(io.BytesIO(b"hello"), filename="hello.txt")
    stored = environment.bucket.download(result.key)
    assert (stored.body, stored.content_type) == (b"hello", "text/plain")


async def test_part_of_a_stream_is_sent_again(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(some_bytes(STREAM_PART + 5))
    environment.fail_put(cut_before, cut_after)
    with pipe(file.read_bytes()) as stream:
        async with environment.async_client() as client:
            result = await client.upload(stream)
    environment.require_stored(result.key, file)


async def test_failed_stream_leaves_nothing(environment: Environment) -> None:
    environment.store_proxy.faults["PUT"] = cut_before
    async with environment.async_client(retry=RetryPolicy(attempts=1)) as client:
        with pipe(b"hello") as stream, pytest.raises(NoAnswerError):
            await client.upload(stream)
    environment.require_nothing_open()


async def test_stream_cannot_be_resumed(environment: Environment) -> None:
    async with environment.async_client() as client:
        with pipe(b"hello") as stream, pytest.raises(ValueError, match="cannot be resumed"):
            await client.upload(stream, reference=UploadReference("id", "key"))


async def test_stream_with_too_many_parts_is_refused(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multipart_upload_client.stream_upload.MAX_STREAM_PARTS", 1)
    with pipe(some_bytes(STREAM_PART + 1)) as stream:
        async with environment.async_client() as client:
            with pytest.raises(StreamTooLongError, match="expected size"):
                await client.upload(stream)
            stream.read()
    environment.require_nothing_open()


async def test_stream_is_read_only_as_far_as_parts_are_in_flight(
    environment: Environment,
) -> None:
    stream = CountingStream(4 * STREAM_PART)
    read_at_put: list[int] = []
    answered = 0

    async def note(_: S3Request, forward: Forward) -> bytes:
        nonlocal answered
        read_at_put.append(stream.position - answered * STREAM_PART)
        answer = await forward()
        answered += 1
        return answer

    environment.store_proxy.faults["PUT"] = note
    async with environment.async_client(parallel=2) as client:
        result = await client.upload(stream)  # type: ignore[arg-type]
    assert result.size == stream.size
    assert max(read_at_put) <= 2 * STREAM_PART
    assert environment.store_proxy.max_concurrent["PUT"] <= 2


@pytest.mark.parametrize("parallel", [1, 2])
async def test_no_more_parts_are_in_flight_than_allowed(
    environment: Environment, file: Path, parallel: int
) -> None:
    async with environment.async_client(parallel=parallel) as client:
        await client.upload(file)
    assert environment.store_proxy.max_concurrent["PUT"] <= parallel


async def test_parts_are_sent_at_once(environment: Environment, file: Path) -> None:
    release = threading.Event()

    async def hold(request: S3Request, forward: Forward) -> bytes:
        if environment.store_proxy.asked["PUT"] == 3:
            release.set()
        return await blocked_until(release)(request, forward)

    environment.store_proxy.faults["PUT"] = hold
    async with environment.async_client() as client:
        await client.upload(file)
    assert environment.store_proxy.max_concurrent["PUT"] == 3
