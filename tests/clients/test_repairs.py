"""The store loses parts or the whole upload, or another run ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from multipart_upload_client import (
    UploadEndedError,
)
from tests.patience import wait_until
from tests.servers.s3_proxy import Forward, S3Request

from .environment import PART_SIZE, Environment
from .interruptions import interrupt, part_held

pytestmark = pytest.mark.e2e


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
            with pytest.raises(UploadEndedError, match="abort"):
                await uploading
    environment.require_nothing_open()


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
