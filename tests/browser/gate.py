"""Hold the PUTs of parts until the test releases them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from playwright.async_api import Error, Route

from .upload_page import UploadPage


@dataclass(slots=True)
class Gate:
    """Holds requests until it is opened."""

    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def before_all_parts_but(cls, page: UploadPage, free: set[int]) -> Self:
        gate = cls()

        async def handle(route: Route, part: int) -> None:
            if part not in free:
                await gate._opened.wait()
            # The page may have aborted the request.
            with suppress(Error):
                await route.continue_()

        await page.on_parts(handle)
        return gate

    def open(self) -> None:
        self._opened.set()
