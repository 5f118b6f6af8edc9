"""Take docs/screenshots again (`make screenshots`). Not a test, so not named like one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, ViewportSize, expect

from tests.e2e.bucket import Bucket
from tests.e2e.service import Service
from tests.e2e.upload import MIB
from tests.servers.s3_kinds import S3Server

from .gate import Gate
from .page_browser import allow_pages
from .upload_page import UploadPage

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
FILES: Final = {
    "summer-film.mp4": 160 * MIB,
    "photos-2026.zip": 90 * MIB,
    "measurements.parquet": 40 * MIB,
    "thesis.pdf": 3 * MIB,
}
_WIDE: Final = ViewportSize(width=820, height=640)
_PHONE: Final = ViewportSize(width=390, height=844)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for name, size in FILES.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    return {name: tmp_path / name for name in FILES}


@pytest.fixture(scope="session")
def page_bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    """Provide a bucket with the same name in every screenshot."""
    with Bucket.made_on(strict_s3) as bucket:
        named = replace(bucket, name="uploads")
        named.client.create_bucket(Bucket=named.name)
        allow_pages(named)
        yield named


@pytest.fixture(scope="session")
def page_settings(page_bucket: Bucket) -> dict[str, str]:
    return {**page_bucket.settings, "WEB_PAGE": "true"}


@pytest_asyncio.fixture(loop_scope="session")
async def shown(
    page_browser: Browser, page_service: Service, page_bucket: Bucket
) -> AsyncIterator[UploadPage]:
    async with UploadPage.opened(page_browser, page_service.url, page_bucket) as shown:
        await shown.page.set_viewport_size(_WIDE)
        yield shown


async def slow_down(shown: UploadPage, bytes_per_second: int) -> None:
    """Limit the upload speed of the page."""
    session = await shown.page.context.new_cdp_session(shown.page)
    await session.send("Network.enable")
    await session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 20,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        },
    )


async def save(shown: UploadPage, name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    await shown.page.screenshot(path=FOLDER / f"{name}.png", full_page=True, animations="disabled")


async def test_empty(shown: UploadPage) -> None:
    await save(shown, "empty")


async def test_light_then_dark_then_phone(shown: UploadPage, files: dict[str, Path]) -> None:
    page = shown.page
    shown.user = "alice"
    await shown.sign_in()
    await shown.choose(files["thesis.pdf"])
    await shown.is_done("thesis.pdf")
    await slow_down(shown, 24 * MIB)
    await shown.choose(
        files["summer-film.mp4"], files["photos-2026.zip"], files["measurements.parquet"]
    )
    await expect(shown.row("measurements.parquet").locator(".upload-text")).to_contain_text("left")
    await page.wait_for_timeout(2500)
    await shown.press("Pause", "photos-2026.zip")
    await page.mouse.move(0, 0)
    await shown.row("summer-film.mp4").locator("summary").click()
    await page.wait_for_timeout(1200)
    await save(shown, "uploading")
    await page.emulate_media(color_scheme="dark")
    await save(shown, "dark")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(_PHONE)
    await save(shown, "phone")
    await shown.press("Cancel", "photos-2026.zip")
    await page.wait_for_timeout(300)
    await page.screenshot(path=FOLDER / "question.png")


async def test_after_a_reload_done_and_failed(shown: UploadPage, files: dict[str, Path]) -> None:
    shown.user = "bob"
    await shown.sign_in()
    gate = await Gate.before_all_parts_but(shown, {1, 2, 3, 4, 5})
    await shown.choose(files["photos-2026.zip"])
    await expect(shown.row("photos-2026.zip")).to_contain_text("5 of 12")
    await shown.page.reload()
    gate.open()
    await shown.page.unroute_all()
    await shown.choose(files["thesis.pdf"], files["measurements.parquet"])
    await shown.is_done("thesis.pdf")
    await shown.is_done("measurements.parquet")

    async def refuse(route: Route, part: int) -> None:
        if part > 3:
            await route.fulfill(status=404, headers={"Access-Control-Allow-Origin": "*"})
        else:
            await route.continue_()

    await shown.on_parts(refuse)
    await shown.choose(files["summer-film.mp4"])
    await shown.shows("summer-film.mp4", "404")
    await shown.session_state("measurements.parquet", "Completed")
    await shown.page.mouse.move(0, 0)
    await shown.page.wait_for_timeout(1000)
    await save(shown, "done-and-failed")
