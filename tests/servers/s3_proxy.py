"""A line to an S3 server on which requests and answers can be lost, delayed or forged."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from anyio.from_thread import start_blocking_portal

from .canned import http_answer

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
    """A request as it came; `operation` is S3's name of it where the table above has one."""

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
        """Give a header's value, empty if the request has none of this name."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        headers = {line.partition(":")[0].lower(): line.partition(":")[2] for line in lines}
        return headers.get(name, "").strip()


class LineCutError(Exception):
    """The client gets no answer, and its connection is gone."""


Forward = Callable[[], Awaitable[bytes]]
"""Gives the request to the server, and the server's answer."""
Fault = Callable[[S3Request, Forward], Awaitable[bytes]]
"""Stands between a request and its answer, which it gives."""


async def cut_before(_: S3Request, __: Forward) -> bytes:
    """Cut the line before the server has heard of the request."""
    raise LineCutError


async def cut_after(_: S3Request, forward: Forward) -> bytes:
    """Cut the line once the server has done what was asked."""
    await forward()
    raise LineCutError


async def no_uploads_listed(_: S3Request, __: Forward) -> bytes:
    """Answer as some servers do after a restart: whatever was open, nothing is listed."""
    result = "ListMultipartUploadsResult"
    return http_answer("200 OK", f"<{result}><IsTruncated>false</IsTruncated></{result}>")


async def parts_from_years_ago(_: S3Request, forward: Forward) -> bytes:
    """List parts as if the server had taken them four years ago, as leap days come back."""
    return re.sub(
        rb"(?<=<LastModified>)\d{4}(?=-)",
        lambda year: b"%04d" % (int(year[0]) - 4),
        await forward(),
    )


def slow(seconds: float) -> Fault:
    """Have the server take its time before it does what was asked."""

    async def wait_and_forward(_: S3Request, forward: Forward) -> bytes:
        await asyncio.sleep(seconds)
        return await forward()

    return wait_and_forward


def late(seconds: float) -> Fault:
    """Hold back the answer to what the server has done at once."""

    async def forward_and_wait(_: S3Request, forward: Forward) -> bytes:
        answer = await forward()
        await asyncio.sleep(seconds)
        return answer

    return forward_and_wait


def held_until(release: threading.Event) -> Fault:
    """Have the server begin only when the test lets it."""

    async def wait_and_forward(_: S3Request, forward: Forward) -> bytes:
        while not release.is_set():  # noqa: ASYNC110  # it is set in another thread
            await asyncio.sleep(0.02)
        return await forward()

    return wait_and_forward


class InTurn:
    """Faults for one request each; all further ones are passed on."""

    def __init__(self, *faults: Fault) -> None:
        self._left = deque(faults)

    @property
    def is_over(self) -> bool:
        return not self._left

    async def __call__(self, request: S3Request, forward: Forward) -> bytes:
        return await (self._left.popleft()(request, forward) if self._left else forward())


class S3Proxy:
    """Passes requests on, each over a connection of its own; `faults` are by operation."""

    def __init__(self, server_url: str) -> None:
        address = urlsplit(server_url)
        self._upstream = (address.hostname, address.port)
        self._lines: set[asyncio.Task[Any]] = set()
        self.url = ""
        self.faults: dict[str, Fault] = {}
        self.asked: Counter[str] = Counter()
        """How often the client has asked for each operation."""
        self.done: Counter[str] = Counter()
        """How many of these have come to their end, with or without an answer."""
        self.most_at_once: Counter[str] = Counter()
        """How many of each operation were on their way at the same time, at most."""

    @classmethod
    @asynccontextmanager
    async def open(cls, server_url: str) -> AsyncIterator[Self]:
        """Listen on a free port."""
        proxy = cls(server_url)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield proxy
            for line in proxy._lines:
                line.cancel()
            await asyncio.gather(*proxy._lines, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._line(reader, writer))
        self._lines.add(line)
        await asyncio.wait([line])
        self._lines.discard(line)
        writer.close()

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(LineCutError, OSError, asyncio.IncompleteReadError):
            writer.write(await self._answer(S3Request.read_from(await _read_request(reader))))
            await writer.drain()

    async def _answer(self, request: S3Request) -> bytes:
        operation = request.operation
        self.asked[operation] += 1
        at_once = self.asked[operation] - self.done[operation]
        self.most_at_once[operation] = max(self.most_at_once[operation], at_once)
        try:
            fault = self.faults.get(operation, InTurn())
            return await fault(request, lambda: self._forwarded(request))
        finally:
            self.done[operation] += 1

    async def _forwarded(self, request: S3Request) -> bytes:
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            # The server ends its answer by hanging up; the client reads the same, and hangs up.
            writer.write(request.raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            return await reader.read()
        finally:
            writer.close()


@contextmanager
def s3_proxy(server_url: str) -> Iterator[S3Proxy]:
    """Open a proxy in a thread of its own, for tests that block."""
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
