"""The upload page as a user operates it, and what it sent to S3."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

from playwright.async_api import Browser, BrowserContext, Locator, Page, Request, Route, expect

from tests.e2e.bucket import Bucket
from tests.patience import PATIENCE_SECONDS

DONE_MS: Final = PATIENCE_SECONDS * 1000
_REPORT_VIOLATIONS: Final = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass(slots=True)
class UploadPage:
    """A tab with the page, in a new browser profile."""

    page: Page
    url: str
    bucket: Bucket
    user: str = field(default_factory=lambda: f"user-{uuid4().hex[:12]}")
    sent_parts: Counter[tuple[str, int]] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def opened(cls, browser: Browser, url: str, bucket: Bucket) -> AsyncIterator[Self]:
        context: BrowserContext = await browser.new_context(locale="en-GB")
        context.set_default_timeout(DONE_MS)
        await context.add_init_script(_REPORT_VIOLATIONS)
        page = await context.new_page()
        opened = cls(page, url, bucket)
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        # Not the bound method: Playwright sets an attribute on it, which slots forbid.
        page.on("request", lambda request: opened.note(request))  # noqa: PLW0108
        # Confirm "Leave the page?".
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(url)
        yield opened
        # Do not wait for requests that a test still holds.
        await page.unroute_all(behavior="ignoreErrors")
        await context.close()

    async def sign_in(self) -> None:
        name = self.page.get_by_label("Uploading as")
        await name.fill(self.user)
        await name.press("Enter")

    async def choose(self, *files: Path) -> None:
        async with self.page.expect_file_chooser() as chooser:
            await self.page.get_by_role("button", name="Choose files").click()
        await (await chooser.value).set_files(list(files))

    async def choose_again(self, name: str, file: Path) -> None:
        """Choose a file for an upload that has none."""
        async with self.page.expect_file_chooser() as chooser:
            await self.row(name).get_by_role("button", name="Choose file").click()
        await (await chooser.value).set_files(file)

    def row(self, name: str) -> Locator:
        return self.page.get_by_role("listitem").filter(
            has=self.page.get_by_role("heading", name=name, exact=True)
        )

    def button(self, label: str, name: str) -> Locator:
        return self.page.get_by_role("button", name=f"{label} {name}", exact=True)

    async def press(self, label: str, name: str) -> None:
        await self.button(label, name).click()

    async def shows(self, name: str, text: str | re.Pattern[str]) -> None:
        """Wait until the upload shows this text."""
        status = self.row(name).locator(".upload-text")
        await expect(status).to_contain_text(text, timeout=DONE_MS)

    async def is_done(self, name: str) -> None:
        await self.shows(name, "Done")

    async def session_state(self, name: str, state: str) -> None:
        """Wait until the list of all sessions shows the file in this state."""
        row = self.page.get_by_role("row").filter(has_text=name)
        await expect(row).to_contain_text(state, timeout=DONE_MS)

    async def on_parts(self, handler: Callable[[Route, int], Any]) -> None:
        """Route every PUT of a part to a handler, with the part's number."""

        async def handle(route: Route) -> None:
            await handler(route, _part_of(route.request.url)[1])

        await self.page.route(_is_part, handle)

    async def policy_violations(self) -> list[str]:
        violations: list[str] = await self.page.evaluate("window.violations")
        return violations

    def times_sent(self, name: str) -> dict[int, int]:
        """Return how often each part of a file was PUT, by number."""
        return {part: times for (file, part), times in self.sent_parts.items() if file == name}

    async def part_is_recorded(self, number: int) -> dict[str, str]:
        """Wait until a part is recorded. Return the fields that identify the upload."""
        query = {"user_id": self.user}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for session in (await self._get("uploads", query))["uploads"]:
                    address = {name: session[name] for name in ("user_id", "upload_id", "key")}
                    parts = (await self._get("list-parts", address))["parts"]
                    if number in {part["part_number"] for part in parts}:
                        return address
                await asyncio.sleep(0.05)

    async def post(self, route: str, fields: dict[str, str]) -> None:
        """Call the service directly."""
        answer = await self.page.context.request.post(f"{self.url}/api/{route}", data=fields)
        assert answer.ok, await answer.text()

    def all_keys(self) -> list[str]:
        """List the objects of the user's uploads."""
        found = self.bucket.client.list_objects_v2(
            Bucket=self.bucket.name, Prefix=f"{self.user}/"
        ).get("Contents", [])
        return [item["Key"] for item in found]

    def keys(self, name: str) -> list[str]:
        return [key for key in self.all_keys() if key.endswith(f"/{name}")]

    def open_uploads(self) -> list[str]:
        """List the user's open uploads in S3."""
        return self.bucket.open_uploads(f"{self.user}/")

    def discard_uploads_in_s3(self) -> None:
        """Abort the uploads in S3, as a lifecycle rule does."""
        client, name = self.bucket.client, self.bucket.name
        for upload in client.list_multipart_uploads(Bucket=name, Prefix=f"{self.user}/")["Uploads"]:
            client.abort_multipart_upload(
                Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
            )

    def digest(self, name: str) -> str:
        """Return the SHA-256 of the only object of that name."""
        (key,) = self.keys(name)
        return sha256(self.bucket.download(key).body).hexdigest()

    async def _get(self, route: str, query: Mapping[str, str]) -> dict[str, Any]:
        answer = await self.page.context.request.get(f"{self.url}/api/{route}", params={**query})
        found: dict[str, Any] = await answer.json()
        return found

    def note(self, request: Request) -> None:
        if request.method == "PUT" and _is_part(request.url):
            self.sent_parts[_part_of(request.url)] += 1


def _is_part(url: str) -> bool:
    return "partNumber=" in url


def _part_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return unquote(parts.path.rpartition("/")[2]), int(parse_qs(parts.query)["partNumber"][0])
