"""Repeated starts with the same Idempotency-Key."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
import pytest

from tests.patience import wait_until
from tests.servers.mongodb_proxy import MongoProxy
from tests.servers.s3_kinds import S3Server

from .bucket import Bucket
from .service import Service, running_service
from .upload import answer, problem, wrong_fields

pytestmark = pytest.mark.e2e

FILE: Final = {"filename": "film.bin", "content_type": "video/mp4", "size": 5}


def start(api: httpx.Client, key: str, **fields: object) -> httpx.Response:
    body = {"user_id": "ada", **FILE, **fields}
    return api.post("/api/start-upload", json=body, headers={"Idempotency-Key": key})


def test_same_key_and_body_return_the_same_bytes(each_api: httpx.Client, bucket: Bucket) -> None:
    key = str(uuid4())
    first, second = start(each_api, key), start(each_api, key)
    assert first.content == second.content
    assert len(bucket.open_uploads(answer(first)["key"])) == 1


def test_concurrent_starts_with_one_key_start_one_upload(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    key = str(uuid4())
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: start(each_api, key), range(10)))
    assert len({response.content for response in answers}) == 1
    assert len(bucket.open_uploads(answer(answers[0])["key"])) == 1


def test_same_key_with_another_body_is_refused(api: httpx.Client) -> None:
    key = str(uuid4())
    answer(start(api, key))
    refusal = problem(start(api, key, size=6), 422, "idempotency-key-reused")
    assert [error["field"] for error in refusal["errors"]] == ["Idempotency-Key"]


def test_same_key_of_another_user_is_another_upload(api: httpx.Client) -> None:
    key = str(uuid4())
    theirs = answer(start(api, key, user_id="bob"))
    assert theirs["upload_id"] != answer(start(api, key))["upload_id"]


async def test_second_start_is_asked_to_retry_while_the_first_runs(
    strict_s3: S3Server, bucket: Bucket, tmp_path: Path
) -> None:
    async with MongoProxy.open(strict_s3.endpoint_url) as proxy:
        settings = {
            **bucket.settings,
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}",
            "WAIT_SECONDS": "0",
        }
        with running_service(tmp_path, settings) as service, service.client() as api:
            key = str(uuid4())
            proxy.silence()
            first = asyncio.create_task(asyncio.to_thread(start_in_the_end, service, key))
            await asyncio.to_thread(wait_until_pending, api)
            second = await asyncio.to_thread(wait_until_refused, service, key)
            assert problem(second, 409, "operation-in-progress")["upload_status"] == "pending"
            assert int(second.headers["retry-after"]) >= 1
            proxy.resume()
            assert answer(await first)["status"] == "initiated"
            assert (await asyncio.to_thread(start, api, key)).content == (await first).content


def start_in_the_end(service: Service, key: str) -> httpx.Response:
    """Start, and repeat what is refused for now: S3 may be silent for longer than a start waits."""
    with service.client_without_retries() as api:
        return wait_until(lambda: not_yet(start(api, key), 409, 503), "it has started")


def wait_until_refused(service: Service, key: str) -> httpx.Response:
    """Start until the first start is at work: between its attempts this one waits for S3 itself."""
    with service.client_without_retries() as api:
        return wait_until(lambda: not_yet(start(api, key), 503), "the first start is under way")


def not_yet(response: httpx.Response, *statuses: int) -> httpx.Response | None:
    return None if response.status_code in statuses else response


def wait_until_pending(api: httpx.Client) -> None:
    query = {"user_id": "ada", "status": "pending"}
    wait_until(lambda: answer(api.get("/api/uploads", params=query))["uploads"], "it is pending")


@pytest.mark.parametrize("key", ["", "x" * 15, "x" * 256, "with a space in it"])
def test_guessable_key_is_refused_by_field_name(api: httpx.Client, key: str) -> None:
    assert wrong_fields(start(api, key)) == ["Idempotency-Key"]
