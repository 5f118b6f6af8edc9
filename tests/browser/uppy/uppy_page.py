"""A page with Uppy, operated and observed by a test."""

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
    """A page with one version of Uppy; `requests` are those it has sent, in order."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def opened(cls, browser: Browser, url: str, **query: str) -> AsyncIterator[Self]:
        """Open the page in a new browser profile."""
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
        """Upload all files. Return the successful and failed ones."""
        result: dict[str, Any] = await self.do("uploaded()")
        return result

    async def begin(self) -> None:
        """Start the upload; `ended` waits for its end."""
        await self.do("void (window.uploading = uploaded())")

    async def ended(self) -> dict[str, Any]:
        result: dict[str, Any] = await self.do("window.uploading")
        return result

    async def when_sent(self, size: int, action: str) -> None:
        """Run an action in the page once this many bytes were sent."""
        await self.do(f"whenSent({size}, () => {{ {action} }})")

    async def waits_for(self, condition: str) -> None:
        await self.page.wait_for_function(condition)

    async def answers(self, method: str, *parts_of_url: str) -> list[Any]:
        """Return the JSON of the service's responses to these requests."""
        responses = [await request.response() for request in self.sent(method, *parts_of_url)]
        return [await response.json() for response in responses if response is not None]

    async def do(self, script: str) -> Any:
        # Playwright itself has no timeout for a promise.
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.page.evaluate(script)

    async def throttle(self, bytes_per_second: int) -> None:
        """Limit the upload speed, so that a test can interrupt the upload."""
        session = await self.page.context.new_cdp_session(self.page)
        limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
        await session.send("Network.enable")
        await session.send(
            "Network.emulateNetworkConditions", {**limits, "uploadThroughput": bytes_per_second}
        )

    def sent(self, method: str, *parts_of_url: str) -> list[Request]:
        """Return the requests of a method whose URL contains all of these."""
        return [
            request
            for request in self.requests
            if request.method == method and all(part in request.url for part in parts_of_url)
        ]

    def parts_put(self) -> list[int]:
        """Return the numbers of the parts sent to S3, with repetitions."""
        queries = [parse_qs(urlsplit(request.url).query) for request in self.sent("PUT")]
        return [int(query["partNumber"][0]) for query in queries]


class OpenUppy(Protocol):
    """Open a page with one version of Uppy, on the usual or another service."""

    async def __call__(self, on: Service = ..., *, path: str = ..., **query: str) -> UppyPage: ...


def only(result: dict[str, Any]) -> str:
    """Check that exactly one file was uploaded. Return its key."""
    assert result["failed"] == []
    (file,) = result["successful"]
    return key_of(file)


def key_of(file: dict[str, Any]) -> str:
    """Read the object's key from its path-style URL."""
    return unquote(urlsplit(file["url"]).path).split("/", 2)[2]


def holds(bucket: Bucket, key: str, size: int, seed: int = 0) -> bool:
    """Return whether the object equals the file that the page generated."""
    found = hashlib.sha256(bucket.download(key).body).digest()
    return found == hashlib.sha256(some_bytes(size, seed)).digest()
