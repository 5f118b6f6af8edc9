"""The answer to CompleteMultipartUpload is lost, 200 times: who asks again gets the same 200."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import httpx
import pytest

from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import (
    Fault,
    Forward,
    InTurn,
    S3Proxy,
    S3Request,
    cut_after,
    cut_before,
    s3_proxy,
)

from .bucket import Bucket
from .lines import http_client, put, through
from .service import Service, running_service
from .upload import Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e

CLIENTS: Final = 8
MOST_REQUESTS: Final = 5


@dataclass(frozen=True, slots=True)
class Case:
    """What befalls S3's completes of each upload, and what its client is answered until its 200."""

    uploads: int
    faults: tuple[Fault, ...]
    statuses: tuple[int, ...]


BEFORE_S3_HAS_HEARD: Final = {
    "lost-once": Case(80, (cut_before,), (503, 200)),
    "lost-twice": Case(20, (cut_before, cut_before), (503, 503, 200)),
}
AFTER_S3_HAS_COMMITTED: Final = {
    # The second time S3 no longer lists the parts, and our id in the object decides.
    "lost-once-committed": Case(80, (cut_after,), (503, 200)),
    "lost-before-and-after": Case(20, (cut_before, cut_after), (503, 503, 200)),
}
CASES: Final = BEFORE_S3_HAS_HEARD | AFTER_S3_HAS_COMMITTED


@pytest.fixture(scope="module")
def own_bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def line(own_bucket: Bucket) -> Iterator[S3Proxy]:
    with s3_proxy(own_bucket.server.endpoint_url) as line:
        yield line


@pytest.fixture(scope="module")
def service(
    line: S3Proxy,
    own_bucket: Bucket,
    mongo_settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, {**through(line, own_bucket), **mongo_settings}) as service:
        yield service


def sent(api: httpx.Client, http: httpx.Client, number: int) -> Upload:
    """Start an upload and send all of it: one small part."""
    body = some_bytes(100 + number, seed=number)
    upload = Upload.start(api, f"{number}.bin", size=len(body))
    etag = put(http, answer(upload.sign(1)), body)
    answer(upload.record(1, etag, size=len(body)))
    return upload


def completed(upload: Upload) -> list[httpx.Response]:
    """Repeat the complete until it is 200, and give all answers."""
    answers = [upload.complete()]
    while not answers[-1].is_success:
        assert len(answers) < MOST_REQUESTS, answers[-1].text
        problem(answers[-1], 503, "store-unavailable")
        answers.append(upload.complete())
    return answers


def require_the_one_object(bucket: Bucket, upload: Upload, response: httpx.Response) -> None:
    head = bucket.client.head_object(Bucket=bucket.name, Key=upload.key)
    url = f"{bucket.server.endpoint_url}/{bucket.name}/{upload.key}"
    assert answer(response) == {
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


@pytest.mark.parametrize("name", CASES)
def test_a_complete_whose_answer_is_lost_ends_in_the_same_200(
    line: S3Proxy, service: Service, own_bucket: Bucket, name: str
) -> None:
    case = CASES[name]
    befalling: dict[str, InTurn] = {}

    async def of_each_upload(request: S3Request, forward: Forward) -> bytes:
        turns = befalling.setdefault(request.key, InTurn(*case.faults))
        return await turns(request, forward)

    line.faults["CompleteMultipartUpload"] = of_each_upload
    with service.client() as api, http_client() as http, ThreadPoolExecutor(CLIENTS) as pool:
        uploads = list(pool.map(partial(sent, api, http), range(case.uploads)))
        answers = list(pool.map(completed, uploads))
        again = list(pool.map(Upload.complete, uploads))

    for upload, (*failed, last), repeated in zip(uploads, answers, again, strict=True):
        assert (*(one.status_code for one in failed), last.status_code) == case.statuses
        assert repeated.content == last.content
        require_the_one_object(own_bucket, upload, last)
    assert befalling.keys() == {upload.key for upload in uploads}
    assert all(turns.is_over for turns in befalling.values())
