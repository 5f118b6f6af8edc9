"""PUT parts to the store on signed URLs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

import httpx

from .errors import StoreError
from .http import SecretUrl, translate_errors
from .plan import Part
from .rate_limit import RateLimit
from .retry import parse_retry_after

Read = Callable[[int, int], bytes]
"""Returns bytes by offset and size. May block."""

_MAX_ERROR_BYTES: Final = 64 * 1024
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9_.-]{1,100})</Code>")
# Azure answers none, and the service then ignores what is reported.
_NO_ETAG: Final = "none"


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A URL for the PUT of one part, and until when to use it."""

    url: str = field(repr=False)
    usable_until: float
    """On the clock of the event loop."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What the PUT must carry."""


@dataclass(slots=True)
class PartBody:
    """An iterator over the bytes of one part, for one PUT. It holds one piece at a time.

    `on_sent` is called with the size of every piece that the connection has taken.
    """

    read: Read
    part: Part
    rate_limit: RateLimit
    on_sent: Callable[[int], None]
    sent: int = 0
    _in_flight: int = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        # httpx asks for the next piece when it has written the one before.
        if self._in_flight:
            self.sent += self._in_flight
            self.on_sent(self._in_flight)
        size = self._in_flight = min(self.rate_limit.piece_size, self.part.size - self.sent)
        if not size:
            raise StopAsyncIteration
        await self.rate_limit.wait(size)
        return await asyncio.to_thread(self.read, self.part.offset + self.sent, size)


@dataclass(frozen=True, slots=True)
class PartStore:
    """The object store, known only by signed URLs."""

    http: httpx.AsyncClient

    async def put(self, signed: SignedPart, body: PartBody) -> str:
        """Send a part and return its ETag. Raise StoreError or NoAnswerError."""
        headers = {**signed.headers, "Content-Length": str(body.part.size)}
        request = self.http.build_request("PUT", signed.url, headers=headers, content=body)
        request.url = SecretUrl(signed.url)
        with translate_errors(f"The store at {request.url.host}"):
            response = await self.http.send(request, stream=True)
            try:
                # The text of an error may repeat the signature: only its code is kept.
                error = b"" if response.is_success else await _read_start(response)
            finally:
                await response.aclose()
        if response.is_success:
            return str(response.headers.get("ETag", _NO_ETAG))
        code = _CODE.search(error)
        raise StoreError(
            response.status_code,
            code[1].decode() if code else "",
            retry_after=parse_retry_after(response.headers.get("Retry-After")),
        )


async def _read_start(response: httpx.Response) -> bytes:
    found = b""
    async for piece in response.aiter_bytes():
        found += piece
        if len(found) >= _MAX_ERROR_BYTES:
            break
    return found
