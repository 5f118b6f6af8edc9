"""The OpenAPI document matches the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from . import routes
from .companion import CompanionUpload
from .upload import Upload, answer

pytestmark = pytest.mark.e2e

ROUTES: Final = {
    "/api/start-upload": "post",
    "/api/get-signed-url": "get",
    "/api/get-signed-urls": "post",
    "/api/upload-part": "post",
    "/api/upload-parts": "post",
    "/api/complete-upload": "post",
    "/api/abort-upload": "post",
    "/api/upload-status": "get",
    "/api/list-parts": "get",
    "/api/uploads": "get",
    "/api/upload-tokens": "post",
    "/api/events": "get",
    "/.well-known/jwks.json": "get",
    "/health/live": "get",
    "/health/ready": "get",
}
COMPANION: Final = {
    "s3CreateMultipartUpload": "post",
    "s3SignPart": "get",
    "s3SignParts": "get",
    "s3ListParts": "get",
    "s3AbortMultipartUpload": "delete",
    "s3CompleteMultipartUpload": "post",
    "s3SignSingleUpload": "get",
    "s3GetCredentials": "get",
}
JSON: Final = {"Content-Type": "application/json"}
FOUR: Final = (
    "/api/start-upload",
    "/api/get-signed-url",
    "/api/upload-part",
    "/api/complete-upload",
)


@pytest.fixture
def documented(api: httpx.Client) -> dict[str, dict[str, Any]]:
    response = api.get("/docs/openapi.json")
    assert response.status_code == 200
    paths: dict[str, dict[str, Any]] = response.json()["paths"]
    return {path: item for path, item in paths.items() if not path.startswith("/s3")}


def broken_json(path: str, upload: Upload) -> httpx.Response:
    return upload.api.post(path, content=b"{", headers=JSON)


def unknown(path: str, upload: Upload) -> httpx.Response:
    return routes.ON_ONE_UPLOAD[path](Upload(upload.api, "mallory", {"upload_id": "0", "key": "0"}))


def conflict(path: str, upload: Upload) -> httpx.Response:
    if path == "/api/upload-tokens":
        # This service has no secret for them.
        return upload.api.post(path, json={"user_id": "alice"})
    return after_the_end(path, upload)


def after_the_end(path: str, upload: Upload) -> httpx.Response:
    if path == "/api/abort-upload":
        upload.send(1, b"x")
        answer(upload.complete())
    else:
        answer(upload.abort())
    return routes.ON_ONE_UPLOAD[path](upload)


def too_large(path: str, upload: Upload) -> httpx.Response:
    return upload.api.post(path, content=b" " * 2_200_000, headers=JSON)


def as_text(path: str, upload: Upload) -> httpx.Response:
    return upload.api.post(path, content=b"{}", headers={"Content-Type": "text/plain"})


def without_fields(path: str, upload: Upload) -> httpx.Response:
    if path == "/api/events":  # which requires none
        return upload.api.get(path, params={"after": "x"})
    return upload.api.request(ROUTES[path], path, json={} if ROUTES[path] == "post" else None)


# Tested for starts in test_quotas.py and test_idempotency.py, in test_events.py for
# events, and for the others in test_store_refusals.py.
SEEN_ELSEWHERE: Final = {
    ("/api/start-upload", "403"),
    ("/api/start-upload", "409"),
    ("/api/events", "409"),
    ("/api/upload-status", "409"),
    ("/api/list-parts", "409"),
}
PROVOKED_BY: Final[dict[str, Callable[[str, Upload], httpx.Response]]] = {
    "400": broken_json,
    "404": unknown,
    "409": conflict,
    "413": too_large,
    "415": as_text,
    "422": without_fields,
}


def test_docs_page_is_served(api: httpx.Client) -> None:
    page = api.get("/docs")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "<script" not in page.text
    assert api.get("/docs/docs.css").headers["content-type"].startswith("text/css")


def test_every_route_is_documented(documented: dict[str, dict[str, Any]]) -> None:
    assert {path: [*item] for path, item in documented.items()} == {
        path: [method] for path, method in ROUTES.items()
    }
    assert all(item[ROUTES[path]]["description"] for path, item in documented.items())


def test_every_documented_error_occurs_as_documented(
    api: httpx.Client, documented: dict[str, dict[str, Any]]
) -> None:
    for path, item in documented.items():
        for status, found in item[ROUTES[path]]["responses"].items():
            # Tested in test_rate_limit_answers.py, test_outages.py and test_start.py.
            if status in {"200", "429", "500", "503"} or (path, status) in SEEN_ELSEWHERE:
                continue
            response = PROVOKED_BY[status](path, Upload.start(api))
            assert (path, str(response.status_code)) == (path, status), response.text
            content = found["content"][response.headers["content-type"]]
            example = content["examples"][response.json()["code"]]["value"]
            assert example.keys() == response.json().keys()


def test_companion_routes_are_documented(api: httpx.Client) -> None:
    paths = api.get("/docs/openapi.json").json()["paths"]

    assert {
        operation["operationId"]: method
        for path, item in paths.items()
        if path.startswith("/s3")
        for method, operation in item.items()
    } == COMPANION


def test_companion_errors_are_as_documented(api: httpx.Client) -> None:
    paths = api.get("/docs/openapi.json").json()["paths"]
    upload = CompanionUpload.create(api)
    unknown = CompanionUpload(api, {"uploadId": "0", "key": "0"})
    answers = [
        ("/s3/multipart", "post", api.post("/s3/multipart", content=b"{")),
        ("/s3/multipart", "post", api.post("/s3/multipart", json={})),
        ("/s3/multipart", "post", api.post("/s3/multipart", content=b" " * 70_000)),
        ("/s3/multipart/{upload_id}", "get", unknown.list()),
        ("/s3/multipart/{upload_id}", "delete", unknown.abort()),
        ("/s3/multipart/{upload_id}/{number}", "get", upload.sign(0)),
        ("/s3/multipart/{upload_id}/{number}", "get", unknown.sign(1)),
        ("/s3/multipart/{upload_id}/batch", "get", upload.sign_batch("x")),
        ("/s3/multipart/{upload_id}/complete", "post", unknown.complete()),
        (
            "/s3/multipart/{upload_id}/complete",
            "post",
            upload.complete({"PartNumber": 1, "ETag": "x"}),
        ),
        ("/s3/params", "get", api.get("/s3/params")),
        ("/s3/sts", "get", api.get("/s3/sts")),
    ]
    for path, method, response in answers:
        found = paths[path][method]["responses"][str(response.status_code)]
        content = found["content"][response.headers["content-type"]]
        example = content["examples"][response.json()["code"]]["value"]
        assert example.keys() == response.json().keys()


def test_errors_that_occur_are_documented(documented: dict[str, dict[str, Any]]) -> None:
    statuses = {path: set(item[ROUTES[path]]["responses"]) for path, item in documented.items()}

    assert all("503" in statuses[path] for path in routes.ALL)
    assert all("422" in statuses[path] for path in routes.ALL if path.startswith("/api"))
    assert all({"404", "422"} <= statuses[path] for path in routes.ON_ONE_UPLOAD)
    assert all(
        {"400", "413", "415"} <= statuses[path]
        for path, method in ROUTES.items()
        if method == "post"
    )


def test_upload_flow_has_examples(api: httpx.Client) -> None:
    document = api.get("/docs/openapi.json").json()

    fields = document["components"]["schemas"]["RecordPartRequest"]["properties"]
    assert all(path in document["info"]["description"] for path in FOUR)
    assert all(fields[name].get("examples") for name in ("user_id", "upload_id", "key", "etag"))
