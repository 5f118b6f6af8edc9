"""No byte that is changed on its way becomes part of an object."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Thread
from typing import BinaryIO

import pytest

from multipart_upload_client import ChecksumMismatchError, StoreError, UploadReference
from tests.e2e.test_checksums import checksum_of
from tests.servers.s3_proxy import S3Request, flip_last_byte

from .environment import Environment
from .interruptions import interrupt

pytestmark = pytest.mark.e2e


@pytest.fixture
def checksum(file: Path) -> str:
    """Provide the checksum of the file."""
    return checksum_of(file.read_bytes())


@pytest.fixture
def pipe(file: Path) -> Iterator[BinaryIO]:
    """Provide a stream of the file's bytes that cannot seek."""
    source, target = os.pipe()

    def write() -> None:
        with os.fdopen(target, "wb") as end:
            end.write(file.read_bytes())

    writer = Thread(target=write)
    writer.start()
    with os.fdopen(source, "rb", buffering=0) as stream:
        yield stream
    writer.join()


async def test_file_is_verified(environment: Environment, file: Path, checksum: str) -> None:
    async with environment.async_client() as client:
        result = await client.upload(file)
        status = await client.status(UploadReference(result.upload_id, result.key))
    expected = (checksum, True)
    assert (result.checksum, result.is_verified) == expected
    assert (status.checksum, status.is_verified) == expected


async def test_stream_is_verified(environment: Environment, pipe: BinaryIO, checksum: str) -> None:
    async with environment.async_client() as client:
        result = await client.upload(pipe)
    assert (result.checksum, result.is_verified) == (checksum, True)


async def test_resumed_file_is_verified(environment: Environment, file: Path) -> None:
    await interrupt(environment, file)
    environment.store_proxy.faults.clear()
    async with environment.async_client() as client:
        result = await client.upload(file)
    assert result.is_verified


async def test_part_with_a_changed_byte_is_sent_again(environment: Environment, file: Path) -> None:
    puts = count()

    def flip_every_second(request: S3Request) -> S3Request:
        return request if next(puts) % 2 else flip_last_byte(request)

    environment.store_proxy.altered["PUT"] = flip_every_second
    async with environment.async_client(parallel=1) as client:
        result = await client.upload(file)
    assert next(puts) == 6
    assert result.is_verified
    environment.require_stored(result.key, file)


async def test_part_that_always_changes_fails_the_upload(
    environment: Environment, file: Path
) -> None:
    environment.store_proxy.altered["PUT"] = flip_last_byte
    async with environment.async_client() as client:
        with pytest.raises(StoreError, match="400 BadDigest") as raised:
            await client.upload(file)
        assert raised.value.reference is not None
        await client.abort(raised.value.reference)


async def test_store_that_checks_no_parts_is_caught_by_the_whole_file(
    environment: Environment, file: Path, checksum: str
) -> None:
    def sign_without_checksum(request: S3Request) -> S3Request:
        return replace(
            request, raw=re.sub(rb"&checksum_crc64nvme=[^& ]+", b"", request.raw, count=1)
        )

    environment.api_proxy.altered["GET"] = sign_without_checksum
    environment.store_proxy.altered["PUT"] = flip_last_byte
    async with environment.async_client() as client:
        with pytest.raises(ChecksumMismatchError) as raised:
            await client.upload(file)
    assert raised.value.problem["declared_checksum"] == checksum
    environment.require_nothing_open()


async def test_without_checksums_nothing_is_compared(
    environment: Environment, file: Path, checksum: str
) -> None:
    environment.store_proxy.altered["PUT"] = flip_last_byte
    async with environment.async_client(checksums=False) as client:
        result = await client.upload(file)
    assert not result.is_verified
    assert result.checksum != checksum


def test_checksums_need_the_extra(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multipart_upload_client.checksums.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"multipart-upload-client\[checksums\]"):
        environment.async_client(checksums=True)
