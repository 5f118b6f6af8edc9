"""Send the requests that a browser sends for a page of another origin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from .errors import REQUEST_SECONDS

SENT_HEADER: Final = "content-type"
"""Uppy 5 sends it with a file that is a single part."""
_ANY_ORIGIN: Final = "https://any-origin.example"
"""Stands for every origin where * is allowed."""


class NoAnswerError(Exception):
    """The address that browsers use does not answer here."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Send preflights and requests, and apply the checks by which a browser hides responses."""

    http: ClientSession

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        timeout = ClientTimeout(total=REQUEST_SECONDS)
        async with ClientSession(timeout=timeout, trust_env=True) as http:
            yield cls(http)

    async def send_preflight(self, url: str, origin: str, method: str) -> str | None:
        """Return why a browser refuses to send the request; None if it sends it.

        Raise NoAnswerError.
        """
        origin = _example_of(origin)
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": SENT_HEADER,
        }
        status, answer = await self._send("OPTIONS", url, headers)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return f"it answers {status}"
        if not is_listed(answer.get("access-control-allow-origin"), origin):
            return "it does not allow the origin"
        if not is_listed(answer.get("access-control-allow-methods"), method):
            return "it does not allow the method"
        if not is_listed(answer.get("access-control-allow-headers"), SENT_HEADER):
            return f"it does not allow the header {SENT_HEADER}"
        return None

    async def send_empty_part(self, url: str, origin: str) -> str | None:
        """PUT an empty part and return the names of the response headers that a page may read.

        None if the part is refused. Raise NoAnswerError.
        """
        origin = _example_of(origin)
        status, answer = await self._send("PUT", url, {"Origin": origin})
        if status != HTTPStatus.OK:
            return None
        is_readable = is_listed(answer.get("access-control-allow-origin"), origin)
        return answer.get("access-control-expose-headers", "") if is_readable else ""

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str]]:
        body = b"" if method == "PUT" else None
        # A browser sends no content type with a slice of a file.
        omitted = ["Content-Type", "User-Agent"]
        try:
            async with self.http.request(
                method,
                URL(url, encoded=True),
                data=body,
                headers=headers,
                skip_auto_headers=omitted,
            ) as answer:
                names = {name.lower() for name in answer.headers}
                # A header may occur several times.
                return answer.status, {n: ", ".join(answer.headers.getall(n)) for n in names}
        except (ClientError, TimeoutError) as exc:
            raise NoAnswerError from exc


def is_listed(header: str | None, wanted: str) -> bool:
    """Return whether a comma-separated header contains an item; * stands for all."""
    items = [item.strip().lower() for item in (header or "").split(",")]
    return "*" in items or wanted.lower() in items


def _example_of(origin: str) -> str:
    """Return one origin that fits a pattern."""
    return _ANY_ORIGIN if origin == "*" else origin.replace("*", "any")
