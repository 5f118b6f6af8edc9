"""The documentation tells what the service does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from . import routes
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
    "/health/live": "get",
    "/health/ready": "get",
}
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
    return paths


def broken_json(path: str, upload: Upload) -> httpx.Response:
    return upload.api.post(path, content=b"{")


def unknown(path: str, upload: Upload) -> httpx.Response:
    return routes.ON_ONE_UPLOAD[path](Upload(upload.api, "nobody", {"upload_id": "0", "key": "0"}))


def after_the_end(path: str, upload: Upload) -> httpx.Response:
    if path == "/api/abort-upload":
        upload.send(1, b"x")
        answer(upload.complete())
    else:
        answer(upload.abort())
    return routes.ON_ONE_UPLOAD[path](upload)


def too_large(path: str, upload: Upload) -> httpx.Response:
    return upload.api.post(path, content=b" " * 2_200_000)


def without_fields(path: str, upload: Upload) -> httpx.Response:
    return upload.api.request(ROUTES[path], path, json={} if ROUTES[path] == "post" else None)


PROVOKED_BY: Final[dict[str, Callable[[str, Upload], httpx.Response]]] = {
    "400": broken_json,
    "404": unknown,
    "409": after_the_end,
    "413": too_large,
    "422": without_fields,
}


def test_the_page_is_there(api: httpx.Client) -> None:
    page = api.get("/docs")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


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
            # What test_outages.py sees of every route but this, and test_idempotency.py of starts.
            if status in {"200", "503"} or (path, status) == ("/api/start-upload", "409"):
                continue
            response = PROVOKED_BY[status](path, Upload.start(api))
            assert (path, str(response.status_code)) == (path, status), response.text
            assert response.headers["content-type"] in found["content"]


def test_errors_that_occur_are_documented(documented: dict[str, dict[str, Any]]) -> None:
    statuses = {path: set(item[ROUTES[path]]["responses"]) for path, item in documented.items()}

    assert all("503" in statuses[path] for path in routes.ALL)
    assert all("422" in statuses[path] for path in routes.ALL if path.startswith("/api"))
    assert all({"404", "422"} <= statuses[path] for path in routes.ON_ONE_UPLOAD)
    assert all(
        {"400", "413"} <= statuses[path] for path, method in ROUTES.items() if method == "post"
    )


def test_the_flow_is_shown_with_examples(api: httpx.Client) -> None:
    document = api.get("/docs/openapi.json").json()

    fields = document["components"]["schemas"]["RecordPartRequest"]["properties"]
    assert all(path in document["info"]["description"] for path in FOUR)
    assert all(fields[name].get("examples") for name in ("user_id", "upload_id", "key", "etag"))
