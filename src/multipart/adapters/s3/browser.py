"""The requests that a browser makes for a page, and what it lets the page have of the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from .errors import QUICK_SECONDS

SENT_HEADER: Final = "content-type"
"""Uppy 5 sends it with a file that is a single part."""
_ANYWHERE: Final = "https://any-origin.example"
"""Stands for every origin where * is allowed."""


class NoAnswerError(Exception):
    """The address that browsers use does not answer here."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Asks for a page of another origin."""

    http: ClientSession

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        """Open a browser that gives up as quickly as the service."""
        timeout = ClientTimeout(total=QUICK_SECONDS)
        async with ClientSession(timeout=timeout, trust_env=True) as http:
            yield cls(http)

    async def refusal_of(self, url: str, origin: str, method: str) -> str | None:
        """Send a preflight and say what it does not allow; None if the page may send the request.

        Raise NoAnswerError.
        """
        origin = _named(origin)
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": SENT_HEADER,
        }
        status, answer = await self._send("OPTIONS", url, headers)
        if not 200 <= status < 300:  # noqa: PLR2004
            return f"it answers {status}"
        if not _lists(answer.get("access-control-allow-origin"), origin):
            return "it does not allow the origin"
        if not _lists(answer.get("access-control-allow-methods"), method):
            return "it does not allow the method"
        if not _lists(answer.get("access-control-allow-headers"), SENT_HEADER):
            return f"it does not allow the header {SENT_HEADER}"
        return None

    async def exposed_headers(self, url: str, origin: str) -> str | None:
        """PUT nothing on a signed URL and give the headers of the answer that a page may read.

        None if the answer is not 200. Raise NoAnswerError.
        """
        status, answer = await self._send("PUT", url, {"Origin": _named(origin)})
        if status != 200:  # noqa: PLR2004
            return None
        is_readable = _lists(answer.get("access-control-allow-origin"), _named(origin))
        return answer.get("access-control-expose-headers", "") if is_readable else ""

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str]]:
        body = b"" if method == "PUT" else None
        # A browser sends no type with a slice of a file.
        plain = ["Content-Type", "User-Agent"]
        try:
            async with self.http.request(
                method, URL(url, encoded=True), data=body, headers=headers, skip_auto_headers=plain
            ) as answer:
                names = {name.lower() for name in answer.headers}
                # A header may come several times.
                return answer.status, {n: ", ".join(answer.headers.getall(n)) for n in names}
        except (ClientError, TimeoutError) as exc:
            raise NoAnswerError from exc


def is_exposed(exposed: str, header: str) -> bool:
    """Tell whether a page may read a header of an answer; * is all of them."""
    return _lists(exposed, header)


def _lists(value: str | None, wanted: str) -> bool:
    listed = [item.strip().lower() for item in (value or "").split(",")]
    return "*" in listed or wanted.lower() in listed


def _named(origin: str) -> str:
    return origin.replace("*", "any") if origin != "*" else _ANYWHERE
