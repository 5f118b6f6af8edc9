"""A server that sends prepared responses, or none, which real servers do not do on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class ScriptedServer:
    """Send one response per request and repeat the last; without responses, never answer."""

    answers: list[bytes]
    endpoint_url: str = ""
    requests: list[str] = field(default_factory=list)
    """The head of each request received."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close the connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            if not self.answers:
                await reader.read()  # until the client gives up
                return
            writer.write(self.answers[min(len(self.requests), len(self.answers)) - 1])
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def scripted_server(*answers: bytes) -> AsyncIterator[ScriptedServer]:
    """Run a scripted server on a free port."""
    scripted = ScriptedServer(list(answers))
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    async with server:
        scripted.endpoint_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield scripted


def http_answer(status: str, body: str = "") -> bytes:
    """Return the bytes of an HTTP response."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\nConnection: close"
    return f"{head}\r\nContent-Type: application/xml\r\n\r\n{body}".encode()


def s3_error(status: str, code: str) -> bytes:
    """Return the bytes of an S3 error response."""
    return http_answer(status, f"<Error><Code>{code}</Code><Message>Sorry.</Message></Error>")
