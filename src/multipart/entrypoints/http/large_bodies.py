"""Limit how many large bodies a process receives and handles at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from litestar.datastructures import Headers
from litestar.middleware import ASGIMiddleware
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    Receive,
    Scope,
    Send,
    WebSocketReceiveMessage,
)

from ...domain.errors import UnavailableError

_Message = HTTPReceiveMessage | WebSocketReceiveMessage

MAX_SMALL_BYTES: Final = 64 * 1024
RECEIVING: Final = 32
"""Bodies that are being received or wait to run: 64 MiB at most."""
RUNNING: Final = 2
WAITING: Final = 100
"""Requests that wait to be received or to run."""
WAIT_SECONDS: Final = 30.0


class TooManyBatchesError(UnavailableError):
    """Too many large requests are running or waiting."""

    code = "too-many-batches"

    def __init__(self) -> None:
        super().__init__("The service is busy with many large requests.")


class LargeBodyGate(ASGIMiddleware):
    """Passes small requests through and queues large ones.

    A waiting request holds at most the 64 KiB that the server reads ahead. A request runs only
    once its whole body has arrived, so a slow sender does not delay the others.
    """

    def __init__(self, max_bytes: int, running: int = RUNNING) -> None:
        self._max_bytes = max_bytes
        self._receiving = asyncio.Semaphore(RECEIVING)
        self._running = asyncio.Semaphore(running)
        self._waiting = 0

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Run a small request at once; a large one waits for a slot. Raise TooManyBatchesError."""
        if not self._is_large(scope):
            await next_app(scope, receive, send)
            return
        async with self._wait_for_slot(self._receiving):
            received = await self._receive_all(receive)
            async with self._wait_for_slot(self._running):
                await next_app(scope, _replay(received, receive), send)

    def _is_large(self, scope: Scope) -> bool:
        headers = Headers.from_scope(scope)
        length = headers.get("content-length", "")
        if length.isdecimal():
            # A body over the limit is refused without being read.
            return MAX_SMALL_BYTES < int(length) <= self._max_bytes
        return "transfer-encoding" in headers

    @asynccontextmanager
    async def _wait_for_slot(self, slots: asyncio.Semaphore) -> AsyncIterator[None]:
        if slots.locked() and self._waiting >= WAITING:
            raise TooManyBatchesError
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await slots.acquire()
        except TimeoutError:
            raise TooManyBatchesError from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            slots.release()

    async def _receive_all(self, receive: Receive) -> list[_Message]:
        """Receive a body to its end, or until it exceeds the limit of the route."""
        received: list[_Message] = []
        size = 0
        while size <= self._max_bytes:
            message = await receive()
            received.append(message)
            if message["type"] != "http.request" or not message["more_body"]:
                break
            size += len(message["body"])
        return received


def _replay(received: Sequence[_Message], receive: Receive) -> Receive:
    messages = iter(received)

    async def replay() -> _Message:
        message = next(messages, None)
        return await receive() if message is None else message

    return replay
