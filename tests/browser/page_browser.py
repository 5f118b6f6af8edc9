"""Debian's Chromium, driven by Playwright, and the service whose page it opens."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.bucket import Bucket
from tests.e2e.service import Service, running_service
from tests.e2e.upload import MIB
from tests.servers.s3_kinds import S3Server

from .chromium import chromium, running_browser
from .upload_page import UploadPage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def page_browser() -> AsyncIterator[Browser]:
    """Provide Chromium. Without it, skip the test or fail where servers are required."""
    if (program := chromium()) is None:
        reason = "no chromium on PATH (apt-get install chromium)"
        if os.environ.get("REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    async with running_browser(program) as browser:
        yield browser


def allow_pages(bucket: Bucket) -> None:
    """Allow pages to PUT to the bucket and read the ETag."""
    rule = {
        "AllowedOrigins": ["*"],
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
    }
    bucket.client.put_bucket_cors(Bucket=bucket.name, CORSConfiguration={"CORSRules": [rule]})


@pytest.fixture(scope="session")
def page_bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    """Provide a bucket that pages may PUT to."""
    with Bucket.made_on(strict_s3) as bucket:
        allow_pages(bucket)
        yield bucket


@pytest.fixture(scope="session")
def page_settings(page_bucket: Bucket) -> dict[str, str]:
    return {**page_bucket.settings, "WEB_PAGE": "true", "MAX_UPLOAD_SIZE": str(40 * MIB)}


@pytest.fixture(scope="session")
def page_service(
    page_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Provide a service with the web page."""
    with running_service(tmp_path_factory.mktemp("page-service"), page_settings) as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def upload_page(
    page_browser: Browser, page_service: Service, page_bucket: Bucket
) -> AsyncIterator[UploadPage]:
    """Provide the page in a new browser profile, and check for script and policy errors."""
    async with UploadPage.opened(page_browser, page_service.url, page_bucket) as page:
        yield page
        assert page.complaints == []
        assert await page.policy_violations() == []
