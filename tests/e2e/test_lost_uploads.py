"""S3 truncates a part, lists nothing or discards an upload: detected and repairable."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.patience import PATIENCE_SECONDS, wait_until
from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import (
    FaultSequence,
    S3Proxy,
    cut_after,
    no_uploads_listed,
    parts_from_years_ago,
    s3_proxy,
    slow,
)

from .bucket import Bucket
from .proxied import at_once, settings_through
from .service import Service, run_command, running_service
from .upload import Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e

CREATE: Final = "CreateMultipartUpload"
BODY: Final = some_bytes(300_000)
FOUR_YEARS_IN_MILLISECONDS: Final = (4 * 365 + 1) * 24 * 3600 * 1000
SIGNS: Final = 50


@pytest.fixture(scope="module")
def proxy(bucket: Bucket) -> Iterator[S3Proxy]:
    with s3_proxy(bucket.server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def services(
    proxy: S3Proxy,
    bucket: Bucket,
    mongo_settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Service, Service]]:
    """Provide two processes on the same database and bucket."""
    folder = tmp_path_factory.mktemp("services")
    settings = {**settings_through(proxy, bucket), **mongo_settings}
    with running_service(folder, settings) as one, running_service(folder, settings) as other:
        yield one, other


@pytest.fixture
def api(services: tuple[Service, Service], proxy: S3Proxy) -> Iterator[httpx.Client]:
    proxy.faults.clear()
    with services[0].client() as api:
        yield api


def begun(api: httpx.Client) -> Upload:
    """Start an upload and send its only part."""
    upload = Upload.start(api, size=len(BODY))
    upload.send(1, BODY)
    return upload


def discard_in_s3(bucket: Bucket, upload: Upload) -> None:
    """Abort an upload in S3, as a lifecycle rule of the bucket does."""
    bucket.client.abort_multipart_upload(**store_upload_of(bucket, upload))


def put_partially(signed_url: str, body: bytes, sent: int) -> None:
    """Start to PUT a part, and disconnect in the middle."""
    url = urlsplit(signed_url)
    head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n"
    with socket.create_connection((url.hostname or "", url.port or 80)) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:sent])


def store_upload_of(bucket: Bucket, upload: Upload) -> dict[str, str]:
    """Return the parameters of S3 calls on the open upload."""
    (store_upload_id,) = bucket.open_uploads(upload.key)
    return {"Bucket": bucket.name, "Key": upload.key, "UploadId": store_upload_id}


def require_detected_and_repairable(upload: Upload, bucket: Bucket) -> None:
    """Check that complete names part 1, and succeeds once it was sent again."""
    refused = problem(upload.complete(), 409, "parts-missing")
    assert (refused["mismatched_parts"], refused["missing_parts"]) == ([1], [])
    upload.send(1, BODY)
    assert answer(upload.complete())["size"] == len(BODY)
    assert bucket.download(upload.key).body == BODY


@pytest.mark.parametrize("is_reported", [False, True], ids=["unreported", "reported"])
def test_complete_detects_a_truncated_part(
    api: httpx.Client, bucket: Bucket, *, is_reported: bool
) -> None:
    upload = begun(api) if is_reported else Upload.start(api, size=len(BODY))
    # A store that keeps partial PUTs has this after a cut connection.
    bucket.client.upload_part(**store_upload_of(bucket, upload), PartNumber=1, Body=BODY[:100_000])
    require_detected_and_repairable(upload, bucket)


def test_complete_detects_a_part_overwritten_by_a_cut_put(
    versitygw: S3Server, tmp_path: Path
) -> None:
    def etag() -> str:
        found = bucket.client.list_parts(**store_upload_of(bucket, upload))
        return str(found["Parts"][0]["ETag"])

    with (
        Bucket.made_on(versitygw) as bucket,
        running_service(tmp_path, bucket.settings) as service,
        service.client() as api,
    ):
        upload = begun(api)
        recorded = etag()
        put_partially(answer(upload.sign(1))["signed_url"], BODY, 100_000)
        # versitygw keeps it at full length with zeros at the end: only the ETag differs.
        wait_until(lambda: etag() != recorded, "S3 has another part")
        require_detected_and_repairable(upload, bucket)


def test_stale_uploads_are_expired_although_s3_lists_no_open_uploads(
    proxy: S3Proxy, bucket: Bucket, tmp_path: Path
) -> None:
    settings = {
        **settings_through(proxy, bucket),
        "UPLOAD_EXPIRY_SECONDS": "60",
        "SIGNED_URL_SECONDS": "60",
        "SWEEP_INTERVAL_SECONDS": "0",
        # The proxy lists parts as old, and these uploads have all of theirs.
        "SWEEP_COMPLETES_WHOLE_UPLOADS": "false",
    }
    proxy.faults.update(ListMultipartUploads=no_uploads_listed, ListParts=parts_from_years_ago)
    with running_service(tmp_path, settings) as service, service.client() as api:
        stale, empty, live = begun(api), Upload.start(api), begun(api)
        age(tmp_path / "multipart.db", stale, empty)

        swept = run_command(tmp_path, settings, "sweep", "--once", "--older-than", "0s")

        assert swept.returncode == 0, swept.stderr
        assert proxy.asked["ListMultipartUploads"]
        for ended in (stale, empty):
            assert answer(ended.status())["status"] == "expired"
            assert not bucket.open_uploads(ended.key)
        assert len(bucket.open_uploads(live.key)) == 1
        assert answer(live.complete())["size"] == len(BODY)


def age(database: Path, *uploads: Upload) -> None:
    """Make session rows as old as the parts that the proxy lists."""
    times = ("created_at", "active_at", "expires_at", "due_at")
    older = ", ".join(f"{time} = {time} - {FOUR_YEARS_IN_MILLISECONDS}" for time in times)
    with closing(sqlite3.connect(database, timeout=PATIENCE_SECONDS)) as connection, connection:
        for upload in uploads:
            changed = connection.execute(
                f"UPDATE upload_sessions SET {older} WHERE id = ?",  # noqa: S608
                [upload.started["upload_id"]],
            )
            assert changed.rowcount == 1


@pytest.mark.parametrize("found_by", [Upload.status, Upload.list_parts, Upload.complete])
def test_upload_lost_by_s3_is_reported_by_every_route(
    api: httpx.Client, bucket: Bucket, found_by: Callable[[Upload], httpx.Response]
) -> None:
    upload = begun(api)
    assert answer(upload.status())["parts_lost"] is False
    discard_in_s3(bucket, upload)

    found_by(upload)

    status = answer(upload.status())
    assert (status["parts_lost"], status["status"]) == (True, "initiated")
    assert (status["parts_recorded"], status["missing_parts"]) == (0, [1])
    assert answer(upload.list_parts())["parts"] == []
    problem(upload.complete(), 409, "store-upload-gone")


def test_50_concurrent_signs_of_a_lost_upload_open_one_replacement(
    api: httpx.Client, services: tuple[Service, Service], proxy: S3Proxy, bucket: Bucket
) -> None:
    upload = begun(api)
    discard_in_s3(bucket, upload)
    assert answer(upload.status())["parts_lost"] is True
    proxy.faults[CREATE], opened_before = slow(1), proxy.asked[CREATE]

    with services[1].client() as other_api:
        same = replace(upload, api=other_api)
        signed = at_once([partial((upload, same)[n % 2].sign, 1) for n in range(SIGNS)])

    assert proxy.asked[CREATE] - opened_before == 1
    assert {store_upload_id(answer(one)) for one in signed} == set(bucket.open_uploads(upload.key))
    assert answer(upload.status())["parts_lost"] is False
    assert answer(upload.list_parts())["parts"] == []
    upload.send(1, BODY)
    assert answer(upload.complete())["size"] == len(BODY)
    assert bucket.download(upload.key).body == BODY


def store_upload_id(signed: dict[str, Any]) -> str:
    found: str
    (found,) = parse_qs(urlsplit(signed["signed_url"]).query)["uploadId"]
    return found


def complete(upload: Upload) -> None:
    answer(upload.complete())


def abort(upload: Upload) -> None:
    answer(upload.abort())


@pytest.mark.parametrize("ended", [complete, abort])
def test_ended_upload_is_not_reopened(
    api: httpx.Client, proxy: S3Proxy, ended: Callable[[Upload], None]
) -> None:
    upload = begun(api)
    ended(upload)
    opened_before = proxy.asked[CREATE]

    assert answer(upload.status())["parts_lost"] is False
    problem(upload.sign(1), 409, "wrong-state")
    assert proxy.asked[CREATE] == opened_before


@pytest.mark.parametrize(
    "is_completed_by_us", [True, False], ids=["response-lost", "by-another-program"]
)
def test_upload_completed_in_s3_without_our_knowledge_is_not_reopened(
    services: tuple[Service, Service],
    api: httpx.Client,
    proxy: S3Proxy,
    bucket: Bucket,
    *,
    is_completed_by_us: bool,
) -> None:
    upload = begun(api)
    opened_before = proxy.asked[CREATE]
    if is_completed_by_us:
        proxy.faults["CompleteMultipartUpload"] = FaultSequence(cut_after, cut_after)
        with services[0].client_without_retries() as once:
            problem(replace(upload, api=once).complete(), 503, "store-unavailable")
    else:
        named = store_upload_of(bucket, upload)
        parts = [{"PartNumber": 1, "ETag": bucket.client.list_parts(**named)["Parts"][0]["ETag"]}]
        bucket.client.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})

    assert answer(upload.status())["parts_lost"] is False
    upload.sign(1)
    assert answer(upload.complete())["size"] == len(BODY)
    assert proxy.asked[CREATE] == opened_before
