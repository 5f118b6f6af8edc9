"""Request bodies must be declared as JSON; responses forbid caching and sniffing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from .bucket import Bucket
from .companion import CompanionUpload, refusal, success
from .service import running_service
from .upload import Upload, answer, problem

pytestmark = pytest.mark.e2e

POSTS: Final = (
    "/api/start-upload",
    "/api/upload-part",
    "/api/get-signed-urls",
    "/api/upload-parts",
    "/api/complete-upload",
    "/api/abort-upload",
)
START: Final = b'{"user_id": "alice", "filename": "a.txt", "content_type": "text/plain"}'


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/plain; charset=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/problem+json",
        "application/msgpack",
        "application/json, text/plain",
        "json",
        ";",
        "",
        None,
    ],
)
def test_a_body_of_another_media_type_is_415(
    api: httpx.Client, path: str, media_type: str | None
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}

    refused = problem(api.post(path, content=START, headers=headers), 415, "unsupported-media-type")

    assert "Content-Type: application/json" in refused["detail"]


def test_a_streamed_body_of_another_media_type_is_415(api: httpx.Client) -> None:
    response = api.post(
        "/api/start-upload", content=iter([START]), headers={"Content-Type": "text/plain"}
    )

    problem(response, 415, "unsupported-media-type")


def test_two_content_types_are_415(api: httpx.Client) -> None:
    headers = [("Content-Type", "text/plain"), ("Content-Type", "application/json")]

    problem(
        api.post("/api/start-upload", content=START, headers=headers), 415, "unsupported-media-type"
    )


@pytest.mark.parametrize("path", POSTS)
def test_a_missing_body_is_400(api: httpx.Client, path: str) -> None:
    problem(api.post(path), 400, "malformed-request")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json ;",
    ],
)
def test_json_media_type_is_accepted_in_any_spelling(api: httpx.Client, media_type: str) -> None:
    answer(api.post("/api/start-upload", content=START, headers={"Content-Type": media_type}))


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", None])
def test_companion_accepts_json_under_any_media_type(
    api: httpx.Client, media_type: str | None
) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}

    success(api.post("/s3/multipart", content=b'{"filename": "a"}', headers=headers))


def test_every_answer_forbids_caching_and_sniffing(each_api: httpx.Client) -> None:
    upload, companion = Upload.start(each_api), CompanionUpload.create(each_api)
    responses = [
        upload.sign(1),
        upload.status(),
        upload.siblings(),
        upload.abort(),
        upload.sign(1),
        each_api.post("/api/start-upload", json={}),
        each_api.post("/api/start-upload"),
        each_api.get("/api/nothing"),
        each_api.get("/api/start-upload"),
        companion.sign(1),
        companion.list(),
        each_api.get("/s3/sts"),
        each_api.get("/health/ready"),
        each_api.get("/docs/openapi.json"),
    ]

    assert {response.status_code for response in responses} >= {200, 400, 404, 405, 409, 422}
    for response in responses:
        assert response.headers.get_list("x-content-type-options") == ["nosniff"], response.url
        assert response.headers.get_list("cache-control") == ["no-store"], response.url


class TestWithoutDocs:
    @pytest.fixture
    def api(self, bucket: Bucket, tmp_path: Path) -> Iterator[httpx.Client]:
        settings = {**bucket.settings, "API_DOCS": "false", "WEB_PAGE": "true"}
        with running_service(tmp_path, settings) as service, service.client() as api:
            yield api

    def test_service_works_without_the_docs_pages(self, api: httpx.Client) -> None:
        for path in ("/docs", "/docs/", "/docs/openapi.json", "/docs/swagger", "/schema"):
            problem(api.get(path), 404, "not-found")
        answer(Upload.start(api).status())

    def test_the_page_keeps_its_own_headers(self, api: httpx.Client) -> None:
        page = api.get("/")

        assert page.headers.get_list("cache-control") == ["no-cache"]
        assert page.headers.get_list("x-content-type-options") == ["nosniff"]


def test_companion_refuses_to_issue_credentials(api: httpx.Client) -> None:
    refused = refusal(api.get("/s3/sts"), 400, "malformed-request")

    assert "getTemporarySecurityCredentials" in refused["message"]
