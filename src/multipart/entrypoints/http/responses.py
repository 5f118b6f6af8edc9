"""JSON answers: encoded at once, or encoded in pieces while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

from litestar import Response
from litestar.exceptions import ImproperlyConfiguredException
from litestar.response.base import ASGIResponse
from litestar.types import HTTPResponseStartEvent, Receive, Scope, Send
from msgspec.json import Encoder

T = TypeVar("T")

# About 100 KB, signed in less than a millisecond.
_URLS_PER_PIECE: Final = 100
_encode: Final = Encoder().encode
_CONTENT_TYPE: Final = (b"content-type", b"application/json")


class _JsonBody(ASGIResponse):
    """Sends a body with no header beyond those that every body has."""

    __slots__ = ()

    def __init__(self, body: bytes, status_code: int) -> None:
        # Without super().__init__: its mutable headers take longer than the rest of the answer.
        self.body = body
        self.status_code = status_code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        length = (b"content-length", b"%d" % len(self.body))
        await send(_start(self.status_code, _CONTENT_TYPE, length))
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class JsonResponse(Response[Any]):
    """A body only: headers, cookies or a background task would cost more than signing a part."""

    def __init__(
        self, content: Any, *, status_code: int, background: object = None, **_: Any
    ) -> None:
        self._body = _JsonBody(_encode(content), status_code)
        self._background = background

    def to_asgi_response(
        self, *_: Any, headers: object = None, cookies: object = None, **__: Any
    ) -> ASGIResponse:
        """Return the ASGI response. Raise ImproperlyConfiguredException for anything more."""
        if headers or cookies or self._background:
            msg = "a route with headers, cookies or a task needs Litestar's own Response"
            raise ImproperlyConfiguredException(msg)
        return self._body


class Turns:
    """Lets the batches of a process compute one piece at a time.

    Between two pieces the event loop serves all other requests that are ready.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def take_turns(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Compute each piece in a turn of its own; the turn ends before the piece is sent."""
        while True:
            async with self._turn:
                piece = next(pieces, None)
                await asyncio.sleep(0)
            if piece is None:
                return
            yield piece


class JsonStream(Response[T], Generic[T]):
    """Sends the JSON of a T in pieces, each computed once the client has read those before it."""

    def __init__(self, pieces: Iterable[bytes], turns: Turns) -> None:
        self._body = _JsonPieces(iter(pieces), turns)

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Return the ASGI response."""
        return self._body


def encode_urls(
    numbers: Sequence[int],
    encode: Callable[[Sequence[int]], bytes],
    *,
    opening: bytes,
    closing: bytes,
) -> Iterator[bytes]:
    """Yield JSON that holds one URL for each part number, some URLs at a time.

    `encode` signs the URLs of some numbers and returns them as a JSON list or object, whose
    members follow `opening`.
    """
    for start in range(0, len(numbers), _URLS_PER_PIECE):
        piece = encode(numbers[start : start + _URLS_PER_PIECE])
        yield (b"," if start else opening) + piece[1:-1]
    yield closing


class _JsonPieces(ASGIResponse):
    __slots__ = ("_pieces", "_turns")

    def __init__(self, pieces: Iterator[bytes], turns: Turns) -> None:
        self._pieces = pieces
        self._turns = turns
        self.status_code = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send(_start(self.status_code, _CONTENT_TYPE))
        async for piece in self._turns.take_turns(self._pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _start(status: int, *headers: tuple[bytes, bytes]) -> HTTPResponseStartEvent:
    return {"type": "http.response.start", "status": status, "headers": headers}
