"""A proxy to a MongoDB server that can cut connections, stall, or answer for the server."""

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
# Offset of the command's name: header, flags, kind of the first section, length of its document,
# and the type of its first field.
_NAME_AT: Final = 16 + 4 + 1 + 4 + 1


class Fault(Enum):
    """What happens to a command."""

    LOST = auto()
    """The connection is cut before the command reaches the server."""
    ANSWER_LOST = auto()
    """The connection is cut after the server has executed the command."""
    REFUSED = auto()
    """The proxy answers like a server that is no longer the primary."""


@dataclass
class PlannedFault:
    """A fault for the next `times` commands of a name."""

    command: str
    fault: Fault
    times: int
    error_labels: tuple[str, ...] = ()

    def consume(self, sent: bytes) -> bool:
        """Return whether the fault applies to this message, and count it."""
        # The driver waits for each answer, so every chunk read starts with a message.
        if not self.times or not sent.startswith(self.command.encode() + b"\0", _NAME_AT):
            return False
        self.times -= 1
        return True


class MongoProxy:
    """Forward bytes, with faults on request.

    With `has_replica_set` False the server looks like FerretDB: it announces no replica set, so
    the driver does not retry writes.
    """

    def __init__(self, server_uri: str, *, has_replica_set: bool = True) -> None:
        self._has_replica_set = has_replica_set
        address = urlsplit(server_uri)
        self._upstream = (address.hostname or "127.0.0.1", address.port or 27017)
        self._database = address.path
        self._passing = asyncio.Event()
        self._passing.set()
        self._planned: PlannedFault | None = None
        self._connections: set[asyncio.Task[Any]] = set()
        self._is_cut = False
        self.faults_injected = 0
        self.port = 0

    @property
    def uri(self) -> str:
        """The URI of the proxy; direct, or the driver would switch to the server's own address."""
        return f"mongodb://127.0.0.1:{self.port}{self._database}?directConnection=true"

    @property
    def has_injected_fault(self) -> bool:
        """Whether at least one command has had a fault."""
        return self.faults_injected > 0

    @classmethod
    @asynccontextmanager
    async def open(cls, server_uri: str, *, has_replica_set: bool = True) -> AsyncIterator[Self]:
        """Run a proxy on a free port."""
        proxy = cls(server_uri, has_replica_set=has_replica_set)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        async with server:
            yield proxy
            # asyncio leaks the socket of a client that connects while the server closes.
            await asyncio.sleep(0.05)
            proxy.cut()
            await asyncio.gather(*proxy._connections, return_exceptions=True)

    def silence(self) -> None:
        """Accept connections and bytes, and forward nothing."""
        self._passing.clear()

    def resume(self) -> None:
        """Forward again, starting with the bytes held back."""
        self._passing.set()

    def cut(self) -> None:
        """Close all connections, and every new one as soon as it is accepted."""
        self._is_cut = True
        for task in self._connections:
            task.cancel()

    def lose(self, command: str, times: int = 1) -> None:
        """Cut the connection at the next commands of this name, before they reach the server."""
        self._plan(PlannedFault(command, Fault.LOST, times))

    def lose_answer_to(self, command: str, times: int = 1) -> None:
        """Let the server execute the next commands of this name, and cut before the answer."""
        self._plan(PlannedFault(command, Fault.ANSWER_LOST, times))

    def refuse(self, command: str, times: int = 1, *, labelled: bool = False) -> None:
        """Answer NotWritablePrimary to the next commands of this name.

        With `labelled` it carries the label of replica sets that makes the driver retry a write.
        """
        labels = ("RetryableWriteError",) if labelled else ()
        self._plan(PlannedFault(command, Fault.REFUSED, times, labels))

    def _plan(self, planned: PlannedFault) -> None:
        self.faults_injected = 0
        self._planned = planned

    def _take_fault(self, sent: bytes) -> PlannedFault | None:
        if self._planned is None or not self._planned.consume(sent):
            return None
        self.faults_injected += 1
        return self._planned

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if not self._is_cut:
                task = asyncio.create_task(self._forward(reader, writer))
                self._connections.add(task)
                await asyncio.wait([task])
                self._connections.discard(task)
        writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
                planned = self._take_fault(sent)
                if planned and planned.fault is Fault.LOST:
                    break
                if planned and planned.fault is Fault.REFUSED:
                    client.write(_not_writable_primary(sent, planned.error_labels))
                    continue
                if planned:
                    answer_lost.set()
                server.write(sent)
                await server.drain()
        server.close()

    async def _read_answer(self, reader: asyncio.StreamReader) -> bytes:
        # Read whole messages only to rewrite them: tests also send HTTP through this proxy.
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
    """Return the answer of a server that has stepped down to the command in this message."""
    (request_id,) = struct.unpack_from("<i", command, 4)
    error = {"ok": 0.0, "errmsg": "not primary", "code": 10107, "codeName": "NotWritablePrimary"}
    body = bson.encode({**error, "errorLabels": list(labels)} if labels else error)
    flags_and_kind = bytes(5)
    size = 16 + len(flags_and_kind) + len(body)
    return struct.pack("<iiii", size, 1, request_id, _OP_MSG) + flags_and_kind + body
