"""Redis from Debian, in a temporary folder and on a free port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS, PAUSE_SECONDS

from .postgresql import free_port
from .used import note_used


class RedisServer:
    """A server that keeps its address and forgets everything when it ends."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.uri = f"redis://127.0.0.1:{self.port}/0"
        self._program = program
        self._log = folder / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = ("--bind", "127.0.0.1", "--port", str(self.port), "--save", "")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, *options], cwd=self._log.parent, stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                msg = f"{self._program} does not start:\n{self._log.read_text(errors='replace')}"
                raise RuntimeError(msg)
            time.sleep(PAUSE_SECONDS)

    def pause(self) -> None:
        """Keep every connection open and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Stop at once. Do nothing if it is not running."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64) == b"+PONG\r\n"
        return False


@pytest.fixture
def redis_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer]:
    """Provide a Redis or Valkey server that no other test uses."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        reason = "no Redis: neither redis-server nor valkey-server is on PATH"
        if os.environ.get("REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    server = RedisServer(program, tmp_path)
    try:
        server.start()
        note_used(request.config, f"Redis: {program}")
        yield server
    finally:
        server.kill()
