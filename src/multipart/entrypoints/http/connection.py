"""HTTP connections with limits on size, time and number."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from enum import IntEnum
from http import HTTPStatus
from typing import Any, ClassVar, Final, cast

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from .security_headers import DEFAULT_HEADERS

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 100
MAX_PIPELINED: Final = 16
"""Requests that a client may send before it receives the answer to the first."""
MAX_CONNECTIONS: Final = 800
"""Per worker. Together with connections to the database and S3, below the usual 1,024 files."""
STREAMED: Final = b"/objects/"
"""Begin of the paths that receive parts and files, for a store that the service itself serves."""
_SECURITY_HEADERS: Final = b"".join(b"%s: %s\r\n" % header for header in DEFAULT_HEADERS)
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Awaited(IntEnum):
    """What a connection waits for, ordered by value: the first is the first to be replaced."""

    LEAVE = 0
    BEGIN = 1
    END_HEAD = 2
    END_BODY = 3


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits that uvicorn has no settings for.

    The largest number of connections is `limit_concurrency`. uvicorn answers 503 to every request
    beyond it, health checks included. Here a new connection replaces the one that has waited
    longest for its client; if all are busy, the new one is answered 503 and closed.
    """

    CHECK_SECONDS: ClassVar[float] = 1.0
    WRITE_SECONDS: ClassVar[float] = 20.0
    """How long a client may not read an answer."""
    WAIT_SECONDS: ClassVar[dict[Awaited, float]] = {
        Awaited.LEAVE: 2.0,
        Awaited.BEGIN: 10.0,
        Awaited.END_HEAD: 10.0,
        Awaited.END_BODY: 30.0,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._max_connections = self.limit_concurrency or MAX_CONNECTIONS
        self.limit_concurrency = None
        self._awaited: Awaited | None = Awaited.BEGIN
        self._since = self._sent_at = self.loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._read = 0  # bytes of the read that is being parsed
        self._held = 0  # bytes of earlier reads that the parser still buffers
        self._refusal = (
            HTTPStatus.BAD_REQUEST,
            "malformed-request",
            "The request is not HTTP/1.1.",
        )

    @property
    def waits_for_client(self) -> bool:
        """Return whether the client must act next, not the service."""
        # A body is not late while its request waits in the queue of large bodies.
        cycle = self._current
        queues = self.flow.read_paused or (cycle is not None and cycle.waiting_for_100_continue)
        return self._awaited is not None and not (self._awaited is Awaited.END_BODY and queues)

    @property
    def _current(self) -> RequestResponseCycle | None:
        return self.cycle  # None before the first request, which uvicorn's type omits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.CHECK_SECONDS, self._check)
        if len(self.connections) > self._max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._awaited is Awaited.LEAVE:
            return
        if self._awaited is None or self._awaited is Awaited.BEGIN:
            self._await(Awaited.END_HEAD)
            self._held = 0
        self._read = len(data)
        super().data_received(data)
        self._held += self._read
        if self._held > MAX_HEAD_BYTES and self._awaited in {Awaited.END_HEAD, Awaited.END_BODY}:
            self._refuse(*_HEAD_TOO_LARGE)

    def resume_writing(self) -> None:
        self._sent_at = self.loop.time()
        super().resume_writing()

    def on_message_begin(self) -> None:
        if self._awaited is None:
            self._await(Awaited.END_HEAD)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parsing(_TOO_MANY_AHEAD)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Also called for trailers.
        if len(self.headers) >= MAX_HEADERS:
            self._stop_parsing(_HEAD_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._read + self._held > MAX_HEAD_BYTES and self._head_bytes() > MAX_HEAD_BYTES:
            self._stop_parsing(_HEAD_TOO_LARGE)
        self._await(Awaited.END_BODY)
        self._held = -self._read
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._held = -self._read
        if self.url.startswith(STREAMED) and not self.cycle.response_complete:
            # A part takes as long as the client's network needs, as long as bytes arrive.
            self._since = self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._held = -self._read
        self._awaited = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._awaited is None and self.cycle.response_complete:
            self._await(Awaited.BEGIN)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # the answer names the limit
        self._refuse(*self._refusal)

    def _await(self, awaited: Awaited) -> None:
        self._awaited, self._since = awaited, self.loop.time()

    def _check(self) -> None:
        self._timer = self.loop.call_later(self.CHECK_SECONDS, self._check)
        now = self.loop.time()
        if not self.transport.get_write_buffer_size():
            self._sent_at = now
        if now - self._sent_at > self.WRITE_SECONDS:
            self._reset()
        elif not self.waits_for_client:
            self._since = now
        elif self._awaited is not None and now - self._since > self.WAIT_SECONDS[self._awaited]:
            self._give_up(self._awaited)

    def _give_up(self, awaited: Awaited) -> None:
        if awaited is Awaited.LEAVE:
            self.transport.abort()
        elif awaited is Awaited.BEGIN or (
            awaited is Awaited.END_BODY and self.cycle.response_complete
        ):
            self.transport.close()
        else:
            self._refuse(*_TOO_SLOW)

    def _reset(self) -> None:
        """Close the connection and free the kernel's buffer of the unread answer."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def _make_room(self) -> None:
        others = (cast("BoundedHttpProtocol", other) for other in self.connections)
        replaceable = [
            other
            for other in others
            if other is not self and other.waits_for_client and not other.transport.is_closing()
        ]
        if replaceable:
            min(replaceable, key=lambda other: (other._awaited, other._since)).transport.abort()  # noqa: SLF001
        else:
            self._refuse(*_TOO_MANY_CONNECTIONS)

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Answer, then keep reading for a moment: closing at once can discard the answer."""
        self.logger.info("Refused a request: %s", code)
        cycle = self._current
        is_answering = cycle is not None and cycle.response_started and not cycle.response_complete
        if self.transport.is_closing() or is_answering or self.pipeline:
            self.transport.close()
            return
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.write(_encode_problem(status, code, detail))
        self.flow.resume_reading()
        self._await(Awaited.LEAVE)

    def _stop_parsing(self, refusal: tuple[HTTPStatus, str, str]) -> None:
        self._refusal = refusal
        raise _RefusedError

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)


class _RefusedError(Exception):
    """Stops the parser."""


_HEAD_TOO_LARGE: Final = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head-too-large",
    f"The URL and headers must be at most {MAX_HEAD_BYTES} bytes and {MAX_HEADERS} headers.",
)
_TOO_SLOW: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    "request-timeout",
    "The request did not arrive in time.",
)
_TOO_MANY_AHEAD: Final = (
    HTTPStatus.BAD_REQUEST,
    "malformed-request",
    f"At most {MAX_PIPELINED} requests may be sent before the answer to the first.",
)
_TOO_MANY_CONNECTIONS: Final = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    "too-many-connections",
    "The service has too many connections.",
)


def _encode_problem(status: HTTPStatus, code: str, detail: str) -> bytes:
    problem = {
        "type": f"urn:multipart-upload:{code}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
    }
    body = json.dumps(problem).encode()
    retry = b"retry-after: 1\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else b""
    return b"".join(
        [
            STATUS_LINE[status],
            b"content-type: application/problem+json\r\ncontent-length: %d\r\n" % len(body),
            retry,
            _SECURITY_HEADERS,
            b"connection: close\r\n\r\n",
            body,
        ]
    )
