"""Permanent refusals of S3: the client gets the code, and can continue or abort the upload."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import Fault, Forward, S3Proxy, S3Request, cut_after, s3_proxy
from tests.servers.scripted_server import s3_error

from .bucket import Bucket
from .companion import CompanionUpload, success
from .direct import http_client
from .proxied import put, settings_through
from .service import Service, running_service
from .upload import Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e

BODY = some_bytes(100)
LONG_USER_IDS = ["\U0001f600" * 128, "/" * 86, "/" * 128, "%" * 128]


def refusing(code: str) -> Fault:
    async def refuse(_: S3Request, __: Forward) -> bytes:
        return s3_error("403 Forbidden", code)

    return refuse


@pytest.fixture(scope="module")
def own_bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def module_proxy(own_bucket: Bucket) -> Iterator[S3Proxy]:
    with s3_proxy(own_bucket.server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def proxy(module_proxy: S3Proxy) -> Iterator[S3Proxy]:
    yield module_proxy
    module_proxy.faults.clear()


@pytest.fixture(scope="module")
def service(
    module_proxy: S3Proxy, own_bucket: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, settings_through(module_proxy, own_bucket)) as service:
        yield service


@pytest.fixture
def api(service: Service) -> Iterator[httpx.Client]:
    with service.client_without_retries() as api:
        yield api


@pytest.fixture
def upload(api: httpx.Client) -> Upload:
    upload = Upload.start(api, size=len(BODY))
    with http_client() as http:
        answer(upload.record(1, put(http, answer(upload.sign(1)), BODY)))
    return upload


def refused(response: httpx.Response, code: str, reason: str) -> None:
    assert problem(response, 409, code)["reason"] == reason
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize("reason", ["AccessDenied", "KMS.DisabledException", "MetadataTooLarge"])
def test_complete_refused_by_s3_keeps_the_upload_open(
    upload: Upload, proxy: S3Proxy, reason: str
) -> None:
    proxy.faults["CompleteMultipartUpload"] = refusing(reason)
    for _ in range(2):
        refused(upload.complete(), "parts-refused", reason)
        assert answer(upload.status())["status"] == "in-progress"
    proxy.faults.clear()
    assert answer(upload.complete())["size"] == len(BODY)


def test_upload_that_s3_refuses_to_complete_can_be_aborted(upload: Upload, proxy: S3Proxy) -> None:
    proxy.faults["CompleteMultipartUpload"] = refusing("AccessDenied")
    refused(upload.complete(), "parts-refused", "AccessDenied")
    assert answer(upload.abort())["status"] == "aborted"


def test_upload_whose_complete_always_fails_can_be_aborted(
    upload: Upload, proxy: S3Proxy, own_bucket: Bucket
) -> None:
    async def fail(_: S3Request, __: Forward) -> bytes:
        return s3_error("500 Internal Server Error", "InternalError")

    proxy.faults["CompleteMultipartUpload"] = fail
    problem(upload.complete(), 503, "store-unavailable")
    assert answer(upload.status())["status"] == "completing"
    assert answer(upload.abort())["status"] == "aborted"
    assert not own_bucket.open_uploads(upload.key)


def test_abort_after_a_complete_with_a_lost_response_keeps_the_object(
    upload: Upload, proxy: S3Proxy
) -> None:
    proxy.faults["CompleteMultipartUpload"] = cut_after
    problem(upload.complete(), 503, "store-unavailable")
    proxy.faults.clear()
    assert problem(upload.abort(), 409, "wrong-state")["upload_status"] == "completed"
    assert answer(upload.complete())["size"] == len(BODY)


def test_every_other_refusal_is_reported_with_its_code(upload: Upload, proxy: S3Proxy) -> None:
    for operation in ("ListParts", "AbortMultipartUpload", "CreateMultipartUpload"):
        proxy.faults[operation] = refusing("AccessDenied")
    refused(upload.complete(), "store-refused", "AccessDenied")
    refused(upload.status(), "store-refused", "AccessDenied")
    refused(upload.list_parts(), "store-refused", "AccessDenied")
    new = {"user_id": "ada", "filename": "a.bin", "content_type": "application/octet-stream"}
    refused(upload.api.post("/api/start-upload", json=new), "store-refused", "AccessDenied")
    refused(upload.abort(), "store-refused", "AccessDenied")
    proxy.faults.clear()
    assert answer(upload.abort())["status"] == "aborted"


@pytest.mark.parametrize("user_id", LONG_USER_IDS, ids=["emoji", "86-slashes", "slashes", "%"])
def test_a_user_id_of_any_length_in_bytes_uploads(api: httpx.Client, user_id: str) -> None:
    upload = Upload.start(api, "a" * 300 + ".bin", user_id=user_id)
    with http_client() as http:
        put(http, answer(upload.sign(1)), BODY)
    assert answer(upload.complete())["size"] == len(BODY)


def test_refusal_of_s3_reaches_uppy(api: httpx.Client, proxy: S3Proxy) -> None:
    upload = CompanionUpload.create(api)
    part = upload.put(1, BODY)
    proxy.faults["CompleteMultipartUpload"] = refusing("AccessDenied")
    answered = upload.complete(part)
    assert answered.status_code == 409
    assert "AccessDenied" in answered.json()["message"]
    assert "Retry-After" not in answered.headers
    proxy.faults.clear()
    success(upload.complete(part))
