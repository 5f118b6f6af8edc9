"""JSON answers that are made while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import HTTPResponseStartEvent, Receive, Scope, Send

T = TypeVar("T")

URLS_IN_A_PIECE: Final = 100
"""Some 100 KB, signed in less than a millisecond."""


class Turns:
    """Lets the batches of a process compute one piece at a time.

    Between two pieces, of whatever batch, the event loop serves everything that is ready.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def each(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Make each piece in a turn of its own; the turn is over before the piece is sent."""
        while True:
            async with self._turn:
                piece = next(pieces, None)
                await asyncio.sleep(0)
            if piece is None:
                return
            yield piece


class JsonStream(Response[T], Generic[T]):
    """Sends the JSON of a T in pieces, each made when the client has taken those before it."""

    def __init__(self, pieces: Iterable[bytes], turns: Turns) -> None:
        self._body = _JsonPieces(iter(pieces), turns)

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Give what sends the pieces."""
        return self._body


class _JsonPieces(ASGIResponse):
    __slots__ = ("_pieces", "_turns")

    def __init__(self, pieces: Iterator[bytes], turns: Turns) -> None:
        self._pieces = pieces
        self._turns = turns
        self.status_code = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": ((b"content-type", b"application/json"),),
        }
        await send(start)
        async for piece in self._turns.each(self._pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
