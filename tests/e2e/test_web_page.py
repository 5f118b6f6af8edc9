"""The files of the web page as the service sends them; tests/browser uses the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from .bucket import Bucket
from .service import Service, running_service

pytestmark = pytest.mark.e2e

STATIC: Final = Path(__file__).parents[2] / "src/multipart/entrypoints/http/web/static"
NAMES: Final = sorted(path.name for path in STATIC.iterdir())


@pytest.fixture(scope="module")
def site(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Provide a client of a service that serves the page."""
    settings = {**bucket.settings, "WEB_PAGE": "true"}
    with (
        running_service(tmp_path_factory.mktemp("site"), settings) as service,
        service.client() as client,
    ):
        yield client


def policy(answer: httpx.Response) -> dict[str, str]:
    rules = answer.headers["content-security-policy"].split("; ")
    return dict(rule.split(" ", 1) for rule in rules)


def test_page_is_not_served_unless_enabled(sqlite_service: Service) -> None:
    with sqlite_service.client() as api:
        assert api.get("/").status_code == 404
        assert api.get("/web/app.js").status_code == 404


def test_page_may_connect_only_to_the_service_and_s3(site: httpx.Client, bucket: Bucket) -> None:
    page = site.get("/")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert policy(page) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' {bucket.server.endpoint_url}",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_served_unchanged_with_its_type(site: httpx.Client, name: str) -> None:
    kinds = {
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }

    found = site.get(f"/web/{name}")

    assert found.status_code == 200
    assert found.content == (STATIC / name).read_bytes()
    assert found.headers["content-type"] == kinds[Path(name).suffix]
    assert found.headers["x-content-type-options"] == "nosniff"


def test_cached_file_is_not_sent_again(site: httpx.Client) -> None:
    first = site.get("/web/app.js")
    again = site.get("/web/app.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]


def test_each_file_has_its_own_etag(site: httpx.Client) -> None:
    etags = {site.get(f"/web/{name}").headers["etag"] for name in NAMES}

    assert len(etags) == len(NAMES)


@pytest.mark.parametrize("name", ["none.js", "..%2fpage.py", "%2e%2e%2f__init__.py", "%00"])
def test_other_files_are_not_served(site: httpx.Client, name: str) -> None:
    answer = site.get(f"/web/{name}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_file_is_used_and_every_used_file_exists() -> None:
    named = {
        name
        for path in STATIC.iterdir()
        for name in re.findall(r'"(?:web/|\./)([\w.]+)"', path.read_text())
    }

    assert named | {"index.html"} == set(NAMES)


def test_page_has_no_inline_styles_or_scripts() -> None:
    page = (STATIC / "index.html").read_text()

    assert re.findall(r"<style|<script(?! type=\"module\" src=)|\son\w+=|\sstyle=", page) == []


def test_page_is_not_in_the_openapi_document(site: httpx.Client) -> None:
    paths = site.get("/docs/openapi.json").json()["paths"]

    routes = ("/api/", "/health/", "/s3/", "/.well-known/")
    assert [path for path in paths if not path.startswith(routes)] == []
