"""A proxy to an S3 server that can lose, delay or forge requests and responses."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from anyio.from_thread import start_blocking_portal

from .scripted_server import http_answer

_OPERATIONS: Final[Mapping[tuple[str, str], str]] = {
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("GET", "uploadId"): "ListParts",
    ("GET", "uploads"): "ListMultipartUploads",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("GET", "cors"): "GetBucketCors",
    ("PUT", "cors"): "PutBucketCors",
}


@dataclass(frozen=True, slots=True)
class S3Request:
    """A request; `operation` is S3's name if the table above has one, else the method."""

    operation: str
    key: str
    raw: bytes
    query: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read_from(cls, raw: bytes) -> Self:
        method, target, _ = raw.split(b"\r\n", 1)[0].decode().split(" ")
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        known = (_OPERATIONS[method, name] for name in query if (method, name) in _OPERATIONS)
        _, _, key = url.path.removeprefix("/").partition("/")
        return cls(next(known, method), unquote(key), raw, query)

    def header(self, name: str) -> str:
        """Return the value of a header, or an empty string."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        headers = {line.partition(":")[0].lower(): line.partition(":")[2] for line in lines}
        return headers.get(name, "").strip()


class ConnectionCutError(Exception):
    """Close the client's connection without an answer."""


Forward = Callable[[], Awaitable[bytes]]
"""Send the request to the server and return its answer."""
Fault = Callable[[S3Request, Forward], Awaitable[bytes]]
"""Decide the answer to a request."""


async def cut_before(_: S3Request, __: Forward) -> bytes:
    """Cut the connection before the request reaches the server."""
    raise ConnectionCutError


async def cut_after(_: S3Request, forward: Forward) -> bytes:
    """Cut the connection after the server has executed the request."""
    await forward()
    raise ConnectionCutError


async def no_uploads_listed(_: S3Request, __: Forward) -> bytes:
    """Answer with an empty list of uploads, as some servers do after a restart."""
    result = "ListMultipartUploadsResult"
    return http_answer("200 OK", f"<{result}><IsTruncated>false</IsTruncated></{result}>")


async def parts_from_years_ago(_: S3Request, forward: Forward) -> bytes:
    """List parts with dates four years in the past; four, so that 29 February stays valid."""
    return re.sub(
        rb"(?<=<LastModified>)\d{4}(?=-)",
        lambda year: b"%04d" % (int(year[0]) - 4),
        await forward(),
    )


def flip_last_byte(request: S3Request) -> S3Request:
    """Change the last byte of a request, as a faulty line does."""
    return replace(request, raw=request.raw[:-1] + bytes([request.raw[-1] ^ 1]))


def slow(seconds: float) -> Fault:
    """Delay the request on its way to the server."""

    async def wait_and_forward(_: S3Request, forward: Forward) -> bytes:
        await asyncio.sleep(seconds)
        return await forward()

    return wait_and_forward


def late(seconds: float) -> Fault:
    """Delay the answer on its way to the client."""

    async def forward_and_wait(_: S3Request, forward: Forward) -> bytes:
        answer = await forward()
        await asyncio.sleep(seconds)
        return answer

    return forward_and_wait


def blocked_until(release: threading.Event) -> Fault:
    """Hold the request until the test sets the event."""

    async def wait_and_forward(_: S3Request, forward: Forward) -> bytes:
        while not release.is_set():  # noqa: ASYNC110  # it is set in another thread
            await asyncio.sleep(0.02)
        return await forward()

    return wait_and_forward


class FaultSequence:
    """Apply each fault to one request, then forward the rest."""

    def __init__(self, *faults: Fault) -> None:
        self._left = deque(faults)

    @property
    def is_over(self) -> bool:
        return not self._left

    async def __call__(self, request: S3Request, forward: Forward) -> bytes:
        return await (self._left.popleft()(request, forward) if self._left else forward())


class S3Proxy:
    """Forward requests, each over its own connection; `faults` are by operation."""

    def __init__(self, server_url: str) -> None:
        address = urlsplit(server_url)
        self._upstream = (address.hostname, address.port)
        self._connections: set[asyncio.Task[Any]] = set()
        self.url = ""
        self.faults: dict[str, Fault] = {}
        self.altered: dict[str, Callable[[S3Request], S3Request]] = {}
        """What changes requests on their way to the server, by operation."""
        self.asked: Counter[str] = Counter()
        """Requests received, by operation."""
        self.done: Counter[str] = Counter()
        """Requests finished, with or without an answer, by operation."""
        self.max_concurrent: Counter[str] = Counter()
        """The highest number of concurrent requests, by operation."""

    @classmethod
    @asynccontextmanager
    async def open(cls, server_url: str) -> AsyncIterator[Self]:
        """Run a proxy on a free port."""
        proxy = cls(server_url)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield proxy
            for connection in proxy._connections:
                connection.cancel()
            await asyncio.gather(*proxy._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._handle(reader, writer))
        self._connections.add(connection)
        await asyncio.wait([connection])
        self._connections.discard(connection)
        writer.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionCutError, OSError, asyncio.IncompleteReadError):
            writer.write(await self._answer(S3Request.read_from(await _read_request(reader))))
            await writer.drain()

    async def _answer(self, request: S3Request) -> bytes:
        operation = request.operation
        if alter := self.altered.get(operation):
            request = alter(request)
        self.asked[operation] += 1
        at_once = self.asked[operation] - self.done[operation]
        self.max_concurrent[operation] = max(self.max_concurrent[operation], at_once)
        try:
            fault = self.faults.get(operation, FaultSequence())
            return await fault(request, lambda: self._forward(request))
        finally:
            self.done[operation] += 1

    async def _forward(self, request: S3Request) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            # With "Connection: close" the end of the stream is the end of the answer.
            writer.write(request.raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            return await reader.read()
        finally:
            writer.close()


@contextmanager
def s3_proxy(server_url: str) -> Iterator[S3Proxy]:
    """Run a proxy in its own thread, for synchronous tests."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(S3Proxy.open(server_url)) as proxy,
    ):
        yield proxy


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    lengths = [int(value) for name, _, value in fields if name == b"content-length"]
    return head + await reader.readexactly(sum(lengths))
