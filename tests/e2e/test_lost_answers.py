"""Lost responses to CompleteMultipartUpload: each retry ends with the same 200."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import httpx
import pytest

from tests.patience import wait_until
from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import (
    Fault,
    FaultSequence,
    Forward,
    S3Proxy,
    S3Request,
    cut_after,
    cut_before,
    s3_proxy,
)

from .bucket import Bucket
from .direct import http_client
from .proxied import put, settings_through
from .service import Service, running_service
from .upload import Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e

CLIENTS: Final = 8
FEW: Final = 12
MANY: Final = 80
"""Lost answers of each kind in an ordinary run, and in `make chaos`."""


@dataclass(frozen=True, slots=True)
class Case:
    """Faults of successive completes in S3; each costs the client one 503 before the 200."""

    faults: tuple[Fault, ...]


BEFORE_S3_HAS_HEARD: Final = {
    "lost-once": Case((cut_before,)),
    "lost-twice": Case((cut_before, cut_before)),
}
AFTER_S3_HAS_COMMITTED: Final = {
    # The second complete finds no parts in S3; the id in the object's metadata decides.
    "lost-once-committed": Case((cut_after,)),
    "lost-before-and-after": Case((cut_before, cut_after)),
}
CASES: Final = BEFORE_S3_HAS_HEARD | AFTER_S3_HAS_COMMITTED


@pytest.fixture(scope="module")
def own_bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def proxy(own_bucket: Bucket) -> Iterator[S3Proxy]:
    with s3_proxy(own_bucket.server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def service(
    proxy: S3Proxy,
    own_bucket: Bucket,
    mongo_settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with running_service(
        folder, {**settings_through(proxy, own_bucket), **mongo_settings}
    ) as service:
        yield service


def sent(api: httpx.Client, http: httpx.Client, number: int) -> Upload:
    """Start an upload and send its only part."""
    body = some_bytes(100 + number, seed=number)
    upload = Upload.start(api, f"{number}.bin", size=len(body))
    etag = put(http, answer(upload.sign(1)), body)
    answer(upload.record(1, etag, size=len(body)))
    return upload


def complete_in_the_end(upload: Upload) -> list[httpx.Response]:
    """Retry the complete until it succeeds. Return all responses."""
    answers = [upload.complete()]

    def is_completed() -> bool:
        if not answers[-1].is_success:
            code = answers[-1].json()["code"]
            assert code in {"store-unavailable", "repository-unavailable"}
            problem(answers[-1], 503, code)
            answers.append(upload.complete())
        return answers[-1].is_success

    wait_until(is_completed, "complete answers 200")
    return answers


def require_the_one_object(bucket: Bucket, upload: Upload, response: httpx.Response) -> None:
    head = bucket.client.head_object(Bucket=bucket.name, Key=upload.key, ChecksumMode="ENABLED")
    url = f"{bucket.server.endpoint_url}/{bucket.name}/{upload.key}"
    completed = answer(response)
    assert completed.pop("receipt")
    assert completed == {
        "checksum_crc64nvme": head["ChecksumCRC64NVME"],
        "checksum_verified": False,
        "message": "Upload completed successfully",
        "key": upload.key,
        "location": url,
        "etag": head["ETag"].strip('"'),
        "size": head["ContentLength"],
    }
    assert head["Metadata"]["multipart-upload-id"] == upload.started["upload_id"]
    found = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=f"{upload.user_id}/")
    assert [stored["Key"] for stored in found["Contents"]] == [upload.key]
    assert not bucket.open_uploads(upload.key)


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.chaos)])
@pytest.mark.parametrize("name", CASES)
def test_complete_whose_response_is_lost_returns_the_same_200_on_retry(
    proxy: S3Proxy, service: Service, own_bucket: Bucket, name: str, count: int
) -> None:
    case = CASES[name]
    befalling: dict[str, FaultSequence] = {}

    async def of_each_upload(request: S3Request, forward: Forward) -> bytes:
        turns = befalling.setdefault(request.key, FaultSequence(*case.faults))
        return await turns(request, forward)

    proxy.faults["CompleteMultipartUpload"] = of_each_upload
    with (
        service.client() as api,
        service.client_without_retries() as once,
        http_client() as http,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        uploads = list(pool.map(partial(sent, api, http), range(count)))
        quick = [replace(upload, api=once) for upload in uploads]
        answers = list(pool.map(complete_in_the_end, quick))
        again = list(pool.map(Upload.complete, uploads))

    for upload, (*failed, last), repeated in zip(uploads, answers, again, strict=True):
        # A slow machine may add 503s, but never removes one.
        codes = [one.json()["code"] for one in failed]
        assert codes.count("store-unavailable") >= len(case.faults)
        assert repeated.content == last.content
        require_the_one_object(own_bucket, upload, last)
    assert befalling.keys() == {upload.key for upload in uploads}
    assert all(turns.is_over for turns in befalling.values())
