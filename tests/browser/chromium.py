"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, async_playwright, expect

from tests.patience import PATIENCE_SECONDS

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_FLAGS: Final = (
    # As root, as in CI, Chromium starts only without its sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Find the browser on PATH."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@asynccontextmanager
async def running_browser(program: str) -> AsyncIterator[Browser]:
    """Run the browser headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            headless=True,
            args=list(_FLAGS),
            timeout=PATIENCE_SECONDS * 1000,
        )
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        yield browser
        await browser.close()
