"""A page with Uppy on it, as a test drives and watches it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from playwright.async_api import Browser, Page, Request

from tests.e2e.bucket import Bucket
from tests.e2e.service import Service
from tests.e2e.upload import some_bytes
from tests.patience import PATIENCE_SECONDS


@dataclass
class UppyPage:
    """One page of one generation of Uppy; `requests` are those that it has sent, in order."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def opened(cls, browser: Browser, url: str, **query: str) -> AsyncIterator[Self]:
        """Open the page as a browser that has never been there."""
        context = await browser.new_context()
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        page = await context.new_page()
        opened = cls(page)
        page.on("request", opened.note)
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        await page.goto(f"{url}?{urlencode(query)}")
        await opened.is_ready()
        yield opened
        await context.close()

    def note(self, request: Request) -> None:
        self.requests.append(request)

    async def is_ready(self) -> None:
        await self.waits_for("window.uppy !== undefined")

    async def add(
        self, name: str, size: int, seed: int = 0, type_: str = "video/mp4", **meta: object
    ) -> None:
        call = "([name, size, seed, type, meta]) => { addFile(name, size, seed, type, meta) }"
        await self.page.evaluate(call, [name, size, seed, type_, meta])

    async def upload(self) -> dict[str, Any]:
        """Upload to the end, and tell what has succeeded and what has failed."""
        result: dict[str, Any] = await self.do("uploaded()")
        return result

    async def begin(self) -> None:
        """Start to upload; `ended` waits for the end."""
        await self.do("void (window.uploading = uploaded())")

    async def ended(self) -> dict[str, Any]:
        result: dict[str, Any] = await self.do("window.uploading")
        return result

    async def when_sent(self, size: int, action: str) -> None:
        """Do something in the page at the moment when so many bytes have gone out."""
        await self.do(f"whenSent({size}, () => {{ {action} }})")

    async def waits_for(self, condition: str) -> None:
        await self.page.wait_for_function(condition)

    async def answers(self, method: str, *parts_of_url: str) -> list[Any]:
        """Give the JSON that the service has answered to these requests."""
        responses = [await request.response() for request in self.sent(method, *parts_of_url)]
        return [await response.json() for response in responses if response is not None]

    async def do(self, script: str) -> Any:
        # Playwright itself waits for a promise for ever.
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.page.evaluate(script)

    async def throttle(self, bytes_per_second: int) -> None:
        """Make the way out slow, so that there is something to break into."""
        session = await self.page.context.new_cdp_session(self.page)
        limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
        await session.send("Network.enable")
        await session.send(
            "Network.emulateNetworkConditions", {**limits, "uploadThroughput": bytes_per_second}
        )

    def sent(self, method: str, *parts_of_url: str) -> list[Request]:
        """Give the requests of a method whose address has all of these in it."""
        return [
            request
            for request in self.requests
            if request.method == method and all(part in request.url for part in parts_of_url)
        ]

    def parts_put(self) -> list[int]:
        """Give the numbers of the parts sent to S3, each time that they were sent."""
        queries = [parse_qs(urlsplit(request.url).query) for request in self.sent("PUT")]
        return [int(query["partNumber"][0]) for query in queries]


class OpenUppy(Protocol):
    """Opens a page of one generation, on the usual service or another one."""

    async def __call__(self, on: Service = ..., *, slash: str = ..., **query: str) -> UppyPage: ...


def only(result: dict[str, Any]) -> str:
    """Give the key of the one file that was uploaded, none having failed."""
    assert result["failed"] == []
    (file,) = result["successful"]
    return key_of(file)


def key_of(file: dict[str, Any]) -> str:
    """Read the object's key from its address, in path style."""
    return unquote(urlsplit(file["url"]).path).split("/", 2)[2]


def holds(bucket: Bucket, key: str, size: int, seed: int = 0) -> bool:
    """Tell whether the object is byte for byte the file that the page has made."""
    found = hashlib.sha256(bucket.download(key).body).digest()
    return found == hashlib.sha256(some_bytes(size, seed)).digest()
