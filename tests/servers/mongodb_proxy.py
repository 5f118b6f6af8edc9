"""A line to a MongoDB server that can be cut, or go silent, at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self
from urllib.parse import urlsplit


class MongoProxy:
    """Passes bytes on, until told otherwise."""

    def __init__(self, server_uri: str) -> None:
        address = urlsplit(server_uri)
        self._upstream = (address.hostname or "127.0.0.1", address.port or 27017)
        self._database = address.path
        self._passing = asyncio.Event()
        self._passing.set()
        self._losing: bytes | None = None
        self._lines: set[asyncio.Task[Any]] = set()
        self._is_cut = False
        self.has_lost_one = False
        self.port = 0

    @property
    def uri(self) -> str:
        """Give the address to connect to; direct, or the driver would go on to the server's own."""
        return f"mongodb://127.0.0.1:{self.port}{self._database}?directConnection=true"

    @classmethod
    @asynccontextmanager
    async def open(cls, server_uri: str) -> AsyncIterator[Self]:
        """Listen on a free port."""
        proxy = cls(server_uri)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        async with server:
            yield proxy
            # asyncio leaks the socket of a client that connects while the server closes.
            await asyncio.sleep(0.05)
            proxy.cut()
            await asyncio.gather(*proxy._lines, return_exceptions=True)

    def silence(self) -> None:
        """Take bytes and connections, and pass nothing on."""
        self._passing.clear()

    def resume(self) -> None:
        """Pass on again, what was held back first."""
        self._passing.set()

    def cut(self) -> None:
        """End every connection, and each new one as soon as it is there."""
        self._is_cut = True
        for line in self._lines:
            line.cancel()

    def lose_answer_to(self, command: str) -> None:
        """Let the server do the next command of this name; cut the line before it answers."""
        self._losing = f"\x02{command}\x00".encode()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if not self._is_cut:
                line = asyncio.create_task(self._line(reader, writer))
                self._lines.add(line)
                await asyncio.wait([line])
                self._lines.discard(line)
        writer.close()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        doomed = asyncio.Event()
        try:
            await asyncio.gather(
                self._pass(reader, up_writer, requests=doomed),
                self._pass(up_reader, writer, answers=doomed),
            )
        finally:
            up_writer.close()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        requests: asyncio.Event | None = None,
        answers: asyncio.Event | None = None,
    ) -> None:
        with suppress(OSError):
            while sent := await reader.read(65536):
                await self._passing.wait()
                if requests is not None and self._losing is not None and self._losing in sent:
                    self._losing = None
                    requests.set()
                if answers is not None and answers.is_set():
                    self.has_lost_one = True
                    break
                writer.write(sent)
                await writer.drain()
        writer.close()
