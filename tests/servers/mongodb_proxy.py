"""A line to a MongoDB server that can be cut, go silent, or answer for the server."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Self
from urllib.parse import urlsplit

import bson

from .mongodb_wire import read_message, without_replica_set

_OP_MSG: Final = 2013
# A message's header and flags, the kind of its first section, and how that document begins: its
# length and the type of its first field, whose name is the command's.
_NAME_AT: Final = 16 + 4 + 1 + 4 + 1


class Fault(Enum):
    """What becomes of a command."""

    LOST = auto()
    """The line is cut before the server has heard of it."""
    ANSWER_LOST = auto()
    """The line is cut once the server has done it."""
    REFUSED = auto()
    """It is answered as by a server that is no longer the primary."""


@dataclass
class Doomed:
    """Which commands a fault is for, and how many of them still."""

    command: str
    fault: Fault
    times: int
    error_labels: tuple[str, ...] = ()

    def strikes(self, sent: bytes) -> bool:
        """Tell whether it is for this message, and count it."""
        # The driver waits for each answer, so that what is read at once begins with a message.
        if not self.times or not sent.startswith(self.command.encode() + b"\0", _NAME_AT):
            return False
        self.times -= 1
        return True


class MongoProxy:
    """Passes bytes on, until told otherwise.

    With `has_replica_set` False the server looks like FerretDB: it announces none, so that the
    driver repeats no write.
    """

    def __init__(self, server_uri: str, *, has_replica_set: bool = True) -> None:
        self._has_replica_set = has_replica_set
        address = urlsplit(server_uri)
        self._upstream = (address.hostname or "127.0.0.1", address.port or 27017)
        self._database = address.path
        self._passing = asyncio.Event()
        self._passing.set()
        self._doomed: Doomed | None = None
        self._lines: set[asyncio.Task[Any]] = set()
        self._is_cut = False
        self.faults_done = 0
        self.port = 0

    @property
    def uri(self) -> str:
        """Give the address to connect to; direct, or the driver would go on to the server's own."""
        return f"mongodb://127.0.0.1:{self.port}{self._database}?directConnection=true"

    @property
    def has_lost_one(self) -> bool:
        """Tell whether something has befallen a command."""
        return self.faults_done > 0

    @classmethod
    @asynccontextmanager
    async def open(cls, server_uri: str, *, has_replica_set: bool = True) -> AsyncIterator[Self]:
        """Listen on a free port."""
        proxy = cls(server_uri, has_replica_set=has_replica_set)
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

    def lose(self, command: str, times: int = 1) -> None:
        """Cut the line when the next commands of this name come; the server gets none of them."""
        self._doom(Doomed(command, Fault.LOST, times))

    def lose_answer_to(self, command: str, times: int = 1) -> None:
        """Let the server do the next commands of this name; cut the line before it answers."""
        self._doom(Doomed(command, Fault.ANSWER_LOST, times))

    def refuse(self, command: str, times: int = 1, *, labelled: bool = False) -> None:
        """Answer NotWritablePrimary to the next commands of this name.

        With the label that replica sets add, the driver sends a write once more by itself.
        """
        labels = ("RetryableWriteError",) if labelled else ()
        self._doom(Doomed(command, Fault.REFUSED, times, labels))

    def _doom(self, doomed: Doomed) -> None:
        self.faults_done = 0
        self._doomed = doomed

    def _strike(self, sent: bytes) -> Doomed | None:
        if self._doomed is None or not self._doomed.strikes(sent):
            return None
        self.faults_done += 1
        return self._doomed

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
        answer_lost = asyncio.Event()
        try:
            await asyncio.gather(
                self._pass_commands(reader, up_writer, writer, answer_lost),
                self._pass_answers(up_reader, writer, answer_lost),
            )
        finally:
            up_writer.close()

    async def _pass_commands(
        self,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        answer_lost: asyncio.Event,
    ) -> None:
        with suppress(OSError):
            while sent := await reader.read(65536):
                await self._passing.wait()
                doomed = self._strike(sent)
                if doomed and doomed.fault is Fault.LOST:
                    break
                if doomed and doomed.fault is Fault.REFUSED:
                    client.write(_not_writable_primary(sent, doomed.error_labels))
                    continue
                if doomed:
                    answer_lost.set()
                server.write(sent)
                await server.drain()
        server.close()

    async def _read_answer(self, reader: asyncio.StreamReader) -> bytes:
        # Whole messages only where they are rewritten: tests put HTTP through this line, too.
        return await (reader.read(65536) if self._has_replica_set else read_message(reader))

    async def _pass_answers(
        self,
        reader: asyncio.StreamReader,
        client: asyncio.StreamWriter,
        answer_lost: asyncio.Event,
    ) -> None:
        with suppress(OSError):
            while sent := await self._read_answer(reader):
                await self._passing.wait()
                if answer_lost.is_set():
                    break
                client.write(sent if self._has_replica_set else without_replica_set(sent))
                await client.drain()
        client.close()


def _not_writable_primary(command: bytes, labels: Sequence[str]) -> bytes:
    """Write the answer of a server that has stepped down, to the command in this message."""
    (request_id,) = struct.unpack_from("<i", command, 4)
    error = {"ok": 0.0, "errmsg": "not primary", "code": 10107, "codeName": "NotWritablePrimary"}
    body = bson.encode({**error, "errorLabels": list(labels)} if labels else error)
    flags_and_kind = bytes(5)
    size = 16 + len(flags_and_kind) + len(body)
    return struct.pack("<iiii", size, 1, request_id, _OP_MSG) + flags_and_kind + body
