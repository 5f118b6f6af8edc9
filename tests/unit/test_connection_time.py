"""How long a connection may take to send a body, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from multipart_upload.entrypoints.http.connection import Awaited, BoundedHttpProtocol

LIMIT: Final = BoundedHttpProtocol.WAIT_SECONDS[Awaited.END_BODY]


class Timer:
    def cancel(self) -> None:
        pass


class SimulatedLoop:
    """A clock that the test moves, and the periodic check of the connection."""

    def __init__(self) -> None:
        self.now = 0.0
        self.check: Callable[[], None] = lambda: None

    def time(self) -> float:
        return self.now

    def call_later(self, _delay: float, check: Callable[[], None]) -> Timer:
        self.check = check
        return Timer()

    def create_task(self, work: Any, **_: object) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work)


class RecordingTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def resume_reading(self) -> None:
        pass


async def receive_whole_body(_scope: Any, receive: Any, _send: Any) -> None:
    while (await receive()).get("more_body", False):
        pass


async def send_slowly(path: bytes) -> bytes:
    """Send a byte shortly before the limit, twice, and return what the service answered."""
    loop, transport = SimulatedLoop(), RecordingTransport()
    config = Config(receive_whole_body, lifespan="off", log_config=None)
    config.load()
    protocol = BoundedHttpProtocol(
        config=config, server_state=ServerState(), app_state={}, _loop=loop
    )
    protocol.connection_made(transport)
    head = b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    protocol.data_received(head % path)
    for _ in range(2):
        loop.now += LIMIT - 1
        protocol.data_received(b"x")
        loop.check()
    protocol.connection_lost(None)
    await asyncio.sleep(0)
    return transport.written


@pytest.mark.parametrize(
    ("path", "refused"), [(b"/objects/alice/film?signature=x", False), (b"/api/uploads", True)]
)
async def test_only_parts_may_take_as_long_as_bytes_arrive(path: bytes, refused: bool) -> None:  # noqa: FBT001
    answer = await send_slowly(path)
    assert answer.startswith(b"HTTP/1.1 408") if refused else answer == b""
