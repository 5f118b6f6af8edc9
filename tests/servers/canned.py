"""A server that gives the answers that no real one gives on demand, or none at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class CannedServer:
    """Gives its answers in turn, the last again and again; without any it never answers."""

    answers: list[bytes]
    endpoint_url: str = ""
    requests: list[str] = field(default_factory=list)
    """The head of each request as it came."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and hang up."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            if not self.answers:
                await reader.read()  # until the client has had enough
                return
            writer.write(self.answers[min(len(self.requests), len(self.answers)) - 1])
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def canned_server(*answers: bytes) -> AsyncIterator[CannedServer]:
    """Listen on a port of its own."""
    canned = CannedServer(list(answers))
    server = await asyncio.start_server(canned.serve, "127.0.0.1", 0)
    async with server:
        canned.endpoint_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield canned


def http_answer(status: str, body: str = "") -> bytes:
    """Write an answer as it goes over the wire."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\nConnection: close"
    return f"{head}\r\nContent-Type: application/xml\r\n\r\n{body}".encode()


def s3_error(status: str, code: str) -> bytes:
    """Write an answer that carries an error of S3."""
    return http_answer(status, f"<Error><Code>{code}</Code><Message>Sorry.</Message></Error>")
