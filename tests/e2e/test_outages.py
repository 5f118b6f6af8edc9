"""During an outage of MongoDB or S3 the service fails fast, and it loses nothing."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.patience import PAUSE_SECONDS, wait_until
from tests.servers.mongodb_kinds import MongoServer
from tests.servers.mongodb_proxy import MongoProxy
from tests.servers.s3_kinds import S3Server

from . import direct, routes
from .bucket import Bucket
from .service import Service, running_service
from .upload import MIB, Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e

PROMISED_SECONDS = 5.0
FILE = some_bytes(16 * MIB + 3)
SLICES = {1: FILE[: 8 * MIB], 2: FILE[8 * MIB : 16 * MIB], 3: FILE[16 * MIB :]}


def refused_in_time(
    service: Service, upload: Upload, calls: Mapping[str, routes.Call], code: str
) -> None:
    """Call routes during an outage; each must fail in time with `Retry-After`."""
    with service.client_without_retries() as api, service_time(service) as clock:
        answers = routes.all_at_once(calls, replace(upload, api=api), clock)
    for path, (response, seconds) in answers.items():
        problem(response, 503, code)
        assert int(response.headers["retry-after"]) >= 1, path
        assert seconds < PROMISED_SECONDS, path


@contextmanager
def service_time(service: Service) -> Iterator[Callable[[], float]]:
    """Measure the service's running time by its responses to /health/live.

    When it gets no processor it answers none, so the count says how long it waits, not how slow
    the machine is.
    """
    over, answers = Event(), itertools.count(1)
    seconds = 0.0

    def ask() -> None:
        nonlocal seconds
        with service.client_without_retries() as api:
            while not over.wait(PAUSE_SECONDS):
                assert answer(api.get("/health/live")) == {"status": "ok"}
                seconds = next(answers) * PAUSE_SECONDS

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield lambda: seconds
        finally:
            over.set()
        asking.result()


def asking_s3(disposable: Upload) -> dict[str, routes.Call]:
    """Return the routes that call S3; abort uses an upload that no test needs."""

    def abort(upload: Upload) -> httpx.Response:
        return replace(disposable, api=upload.api).abort()

    return {**routes.ASKING_S3, "/api/abort-upload": abort}


def wait_until_ready(api: httpx.Client) -> None:
    wait_until(lambda: api.get("/health/ready").is_success, "ready again")


def begun(api: httpx.Client) -> Upload:
    """Start an upload and send its first part."""
    upload = Upload.start(api, size=len(FILE))
    upload.send(1, SLICES[1])
    return upload


def finish(upload: Upload, bucket: Bucket, *numbers: int) -> None:
    """Send the remaining parts, complete, and check the object."""
    for number in numbers:
        upload.send(number, SLICES[number])
    answer(upload.complete())
    assert (
        hashlib.sha256(bucket.download(upload.key).body).digest() == hashlib.sha256(FILE).digest()
    )


@pytest.fixture
def on_own_mongo(
    own_mongo_server: MongoServer, bucket: Bucket, tmp_path: Path
) -> Iterator[Service]:
    """Provide a service whose MongoDB the test may stop."""
    settings = {**bucket.settings, "MONGO_URI": own_mongo_server.uri}
    with running_service(tmp_path, settings) as service:
        yield service


@pytest.fixture
def own_bucket(versitygw: S3Server) -> Iterator[Bucket]:
    """Provide a bucket on versitygw, whose open uploads survive a restart."""
    with Bucket.made_on(versitygw) as bucket:
        yield bucket
        versitygw.start()


def test_mongodb_restart_loses_no_part_and_needs_no_service_restart(
    on_own_mongo: Service, own_mongo_server: MongoServer, bucket: Bucket
) -> None:
    with on_own_mongo.client() as api:
        upload = begun(api)
        signed = answer(upload.sign(2))["signed_url"]

        own_mongo_server.stop()
        # The service may still sign from its session cache.
        with on_own_mongo.client_without_retries() as once:
            same = replace(upload, api=once)
            wait_until(lambda: not same.sign(1).is_success, "the session cache expires")
        refused_in_time(on_own_mongo, upload, routes.ALL, "repository-unavailable")
        # Parts go directly to S3, so URLs signed earlier work.
        sent = direct.put(signed, SLICES[2])

        own_mongo_server.start()
        wait_until_ready(api)
        assert answer(upload.record(2, sent.headers["etag"]))["parts_recorded"] == 2
        finish(upload, bucket, 3)
    assert on_own_mongo.process.poll() is None


def test_killed_mongodb_loses_nothing_acknowledged(
    on_own_mongo: Service, own_mongo_server: MongoServer, bucket: Bucket
) -> None:
    with on_own_mongo.client() as api:
        upload = begun(api)
        upload.send(2, SLICES[2])

        own_mongo_server.kill()
        own_mongo_server.start()

        wait_until_ready(api)
        assert answer(upload.status())["parts_recorded"] == 2
        finish(upload, bucket, 3)


def test_s3_restart_loses_no_part_and_needs_no_service_restart(
    own_bucket: Bucket, tmp_path: Path
) -> None:
    with running_service(tmp_path, own_bucket.settings) as service, service.client() as api:
        upload = begun(api)
        upload.send(2, SLICES[2])
        disposable, other = Upload.start(api), Upload.start(api)

        own_bucket.server.stop()
        refused_in_time(service, upload, asking_s3(disposable), "store-unavailable")
        # Routes that need only the database work.
        answer(other.sign(1))
        answer(other.record(1, routes.ETAG))
        assert answer(upload.siblings())["uploads"]

        own_bucket.server.start()
        wait_until_ready(api)
        # The complete started before the outage must be finished first.
        assert answer(disposable.abort())["status"] == "aborted"
        assert problem(upload.complete(), 409, "parts-missing")["missing_parts"] == [3]
        finish(upload, own_bucket, 3)
        assert service.process.poll() is None


async def test_requests_do_not_hang_when_s3_never_answers(
    strict_s3: S3Server, bucket: Bucket, tmp_path: Path
) -> None:
    async with MongoProxy.open(strict_s3.endpoint_url) as proxy:
        settings = {**bucket.settings, "S3_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}"}
        with running_service(tmp_path, settings) as service, service.client() as api:
            upload, disposable = await asyncio.to_thread(lambda: (begun(api), Upload.start(api)))

            proxy.silence()
            await asyncio.to_thread(
                refused_in_time, service, upload, asking_s3(disposable), "store-unavailable"
            )
            proxy.resume()

            await asyncio.to_thread(wait_until_ready, api)
            refused = problem(await asyncio.to_thread(upload.complete), 409, "parts-missing")
            assert refused["missing_parts"] == [2, 3]
            await asyncio.to_thread(finish, upload, bucket, 2, 3)
