"""Concurrent completes of one upload through two processes reach S3 once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Final

import httpx
import pytest

from tests.patience import wait_until
from tests.servers.s3_proxy import FaultSequence, S3Proxy, blocked_until, s3_proxy, slow

from .bucket import Bucket
from .proxied import at_once, settings_through
from .service import Service, running_service
from .upload import Upload, answer, problem

pytestmark = pytest.mark.e2e

COMPLETE: Final = "CompleteMultipartUpload"
BODY: Final = b"one small part"
CALLERS: Final = 50


@pytest.fixture
def proxy(bucket: Bucket) -> Iterator[S3Proxy]:
    with s3_proxy(bucket.server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def settings(proxy: S3Proxy, bucket: Bucket, mongo_settings: dict[str, str]) -> dict[str, str]:
    return {**settings_through(proxy, bucket), **mongo_settings, "LEASE_SECONDS": "3"}


@contextmanager
def two_services(folder: Path, settings: Mapping[str, str]) -> Iterator[tuple[Service, Service]]:
    """Run two processes on the same database and bucket."""
    with running_service(folder, settings) as one, running_service(folder, settings) as other:
        yield one, other


@contextmanager
def uploaded_through(*services: Service) -> Iterator[list[Upload]]:
    """Send all parts of an upload. Yield it as a client of each service."""
    with ExitStack() as stack:
        apis = [stack.enter_context(service.client()) for service in services]
        upload = Upload.start(apis[0], size=len(BODY))
        upload.send(1, BODY)
        yield [replace(upload, api=api) for api in apis]


def require_one_object(bucket: Bucket, upload: Upload) -> None:
    assert bucket.download(upload.key).body == BODY
    assert not bucket.open_uploads(upload.key)


def require_equal_answers(answers: list[httpx.Response]) -> None:
    assert {response.status_code for response in answers} == {200}, answers[0].text
    assert len({response.content for response in answers}) == 1


@pytest.mark.parametrize("database", ["mongodb", "sqlite"])
def test_50_concurrent_completes_reach_s3_once_and_get_equal_answers(
    proxy: S3Proxy, bucket: Bucket, settings: dict[str, str], tmp_path: Path, database: str
) -> None:
    if database == "sqlite":  # both use the same file, in the same folder
        del settings["MONGO_URI"]
    proxy.faults[COMPLETE] = slow(3)
    with two_services(tmp_path, settings) as services, uploaded_through(*services) as uploads:
        answers = at_once([uploads[n % 2].complete for n in range(CALLERS)])
        require_one_object(bucket, uploads[0])
    require_equal_answers(answers)
    assert (proxy.asked[COMPLETE], proxy.max_concurrent[COMPLETE]) == (1, 1)


def test_complete_renews_its_lease_while_s3_is_slow(
    proxy: S3Proxy, bucket: Bucket, settings: dict[str, str], tmp_path: Path
) -> None:
    proxy.faults[COMPLETE] = slow(8)
    with two_services(tmp_path, settings) as services, uploaded_through(*services) as uploads:
        require_equal_answers(at_once([upload.complete for upload in uploads]))
        require_one_object(bucket, uploads[0])
    assert proxy.asked[COMPLETE] == 1


@pytest.mark.parametrize("s3_ends", ["before-the-takeover", "after-the-takeover"])
def test_waiting_caller_takes_over_from_a_killed_process(
    proxy: S3Proxy, bucket: Bucket, settings: dict[str, str], tmp_path: Path, s3_ends: str
) -> None:
    s3_may_end = Event()
    proxy.faults[COMPLETE] = FaultSequence(blocked_until(s3_may_end))
    with (
        two_services(tmp_path, settings) as (doomed, survivor),
        uploaded_through(doomed, survivor) as (upload, same),
        ThreadPoolExecutor(2) as pool,
    ):
        killed = pool.submit(upload.complete)
        wait_until(lambda: proxy.asked[COMPLETE], "S3 is asked to complete")
        waiting = pool.submit(same.complete)
        doomed.process.kill()
        if s3_ends == "before-the-takeover":
            s3_may_end.set()
        taken_over = waiting.result()
        s3_may_end.set()
        with pytest.raises(httpx.TransportError):
            killed.result()

        wait_until(lambda: proxy.done[COMPLETE] == proxy.asked[COMPLETE], "S3 has finished")
        require_equal_answers([taken_over, same.complete()])
        require_one_object(bucket, same)
    assert proxy.asked[COMPLETE] == (1 if s3_ends == "before-the-takeover" else 2)


def test_caller_that_waits_too_long_is_asked_to_retry(
    proxy: S3Proxy, bucket: Bucket, settings: dict[str, str], tmp_path: Path
) -> None:
    s3_may_end = Event()
    proxy.faults[COMPLETE] = blocked_until(s3_may_end)
    with (
        two_services(tmp_path, {**settings, "WAIT_SECONDS": "1"}) as services,
        uploaded_through(*services) as (upload, same),
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(upload.complete)
        wait_until(lambda: proxy.asked[COMPLETE], "S3 is asked to complete")
        refused = same.complete()
        s3_may_end.set()

        details = problem(refused, 409, "operation-in-progress")
        assert details["upload_status"] == "completing"
        assert int(refused.headers["retry-after"]) >= 1
        require_equal_answers([first.result(), same.complete()])
        require_one_object(bucket, same)
    assert proxy.asked[COMPLETE] == 1
    assert answer(first.result())["size"] == len(BODY)
