"""A browser, pages with Uppy, and a service and bucket that allow their origin."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import chromium, running_browser
from tests.e2e.bucket import Bucket
from tests.e2e.service import Service, run_command, running_service
from tests.servers.s3_kinds import S3Server
from tests.servers.whole_request_proxy import whole_request_proxy

from . import bundles
from .uppy_page import OpenUppy, UppyPage


def _require(missing: str | None) -> None:
    """Skip the test if something is missing; fail it where servers are required."""
    if missing is None:
        return
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = chromium()
    _require(None if program else "no chromium on PATH")
    async with running_browser(program or "") as browser:
        yield browser


@pytest.fixture(scope="package")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Provide the origin of the pages."""
    _require(bundles.find_missing_tool())
    folder = tmp_path_factory.mktemp("pages")
    bundles.bundle(folder)
    with bundles.served(folder) as origin:
        yield origin


@pytest.fixture(scope="package")
def bucket(
    strict_s3: S3Server, pages: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bucket]:
    """Provide a bucket whose CORS rule is set by the documented command."""
    with Bucket.made_on(strict_s3) as bucket:
        folder = tmp_path_factory.mktemp("cors")
        applied = run_command(
            folder, bucket.settings, "cors", "apply", bucket.name, "--origin", pages
        )
        assert applied.returncode == 0, applied.stderr
        yield bucket


@pytest.fixture(scope="package")
def settings(bucket: Bucket, pages: str) -> Iterator[dict[str, str]]:
    """Provide the settings of a service that allows the pages' origin."""
    with whole_request_proxy(bucket.server.endpoint_url) as public:
        yield {
            **bucket.settings,
            "S3_PUBLIC_ENDPOINT_URL": public,
            "CORS_ALLOWED_ORIGINS": pages,
        }


@pytest.fixture(scope="package")
def service(
    settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("service"), settings) as service:
        yield service


@pytest.fixture(params=bundles.GENERATIONS)
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def open_uppy(
    browser: Browser, pages: str, service: Service, generation: str
) -> AsyncIterator[OpenUppy]:
    """Provide a function that opens a page with Uppy, and check for script errors."""
    async with AsyncExitStack() as stack:
        opened: list[UppyPage] = []

        async def open_page(on: Service = service, *, path: str = "", **query: str) -> UppyPage:
            url = f"{pages}/{generation}.html"
            page = UppyPage.opened(browser, url, api=f"{on.url}{path}", **query)
            opened.append(await stack.enter_async_context(page))
            return opened[-1]

        yield open_page
        assert [page.complaints for page in opened if page.complaints] == []
