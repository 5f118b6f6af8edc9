"""Sizes that hold, over HTTP: signed lengths, 413 at completion, and REQUIRE_SIZE."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from . import direct
from .bucket import Bucket
from .companion import CompanionUpload, success
from .service import running_service
from .upload import MIB, Upload, answer, problem, wrong_fields

pytestmark = pytest.mark.e2e
LIMIT = 6 * MIB


@pytest.fixture(scope="module")
def api(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = {**bucket.settings, "MAX_UPLOAD_SIZE": str(LIMIT)}
    folder = tmp_path_factory.mktemp("limited")
    with running_service(folder, settings) as service, service.client() as api:
        yield api


@pytest.fixture(scope="module")
def strict_api(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = {**bucket.settings, "REQUIRE_SIZE": "true"}
    folder = tmp_path_factory.mktemp("strict")
    with running_service(folder, settings) as service, service.client() as api:
        yield api


def test_store_refuses_any_length_but_the_planned_one(api: httpx.Client) -> None:
    upload = Upload.start(api, size=5)
    signed = answer(upload.sign(1))
    assert signed["headers"] == {"Content-Length": "5"}
    fields = {**upload.identity, "part_numbers": "all"}
    (many,) = answer(api.post("/api/get-signed-urls", json=fields))["urls"]
    for url in (signed["signed_url"], many["signed_url"]):
        assert direct.put(url, b"too long").status_code == 403
        assert direct.put(url, b"hello").status_code == 200
    assert wrong_fields(upload.sign(1, content_length=6)) == ["content_length"]
    answer(upload.complete())


def test_parts_over_the_limit_are_413_and_discarded(api: httpx.Client, bucket: Bucket) -> None:
    upload = Upload.start(api)
    upload.send(1, bytes(5 * MIB))
    upload.send(2, bytes(2 * MIB))
    for _ in range(2):
        refused = problem(upload.complete(), 413, "file-too-large")
        assert refused["max_size"] == LIMIT
    assert answer(upload.status())["status"] == "aborted"
    assert not bucket.has(upload.key)
    assert bucket.open_uploads(upload.key) == []


def test_size_that_uppy_declares_is_a_limit(api: httpx.Client, bucket: Bucket) -> None:
    upload = CompanionUpload.create(api, metadata={"size": 5})
    part = upload.put(1, b"too long")
    refused = upload.complete(part)
    assert (refused.status_code, "message" in refused.json()) == (413, True)
    assert not bucket.has(upload.key)
    upload = CompanionUpload.create(api, metadata={"size": "5"})
    success(upload.complete(upload.put(1, b"hello")))
    body = {"filename": "film.mp4", "type": "video/mp4", "metadata": {"size": LIMIT + 1}}
    assert api.post("/s3/multipart", json=body).status_code == 413


def test_required_size_is_named_when_it_is_missing(strict_api: httpx.Client) -> None:
    fields = {"user_id": "alice", "filename": "a.txt", "content_type": "text/plain"}
    assert wrong_fields(strict_api.post("/api/start-upload", json=fields)) == ["size"]
    assert strict_api.post("/api/start-upload", json={**fields, "size": 5}).status_code == 200
    body = {"filename": "film.mp4", "type": "video/mp4"}
    refused = strict_api.post("/s3/multipart", json=body)
    assert (refused.status_code, "size" in refused.text) == (400, True)
    CompanionUpload.create(strict_api, metadata={"size": 5})
