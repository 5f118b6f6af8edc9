"""The service as a separate process, and its clients."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from tests.patience import PATIENCE_SECONDS, PAUSE_SECONDS
from tests.servers.mongodb_kinds import free_port

from .fork_server import ForkedProcess, fork_server

ROOT: Final = Path(__file__).parents[2]
SQLITE_FILE: Final = "sqlite+aiosqlite:///multipart.db"
COMMAND: Final = (
    sys.executable,
    "-c",
    "from multipart_upload.entrypoints.cli import main; main(prog_name='multipart-upload')",
)


class RetryTransport(httpx.BaseTransport):
    """Retry on 503 after `Retry-After`.

    On a slow machine the service's deadlines for database and S3 sometimes expire.
    """

    def __init__(self) -> None:
        # Plain HTTP: loading certificates would take longer than most tests.
        self._transport = httpx.HTTPTransport(verify=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        request.read()
        while True:
            response = self._transport.handle_request(request)
            is_unavailable = response.status_code == httpx.codes.SERVICE_UNAVAILABLE
            if not is_unavailable or time.monotonic() > deadline:
                return response
            response.read()
            time.sleep(float(response.headers["retry-after"]))

    def close(self) -> None:
        self._transport.close()


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and its log."""

    url: str
    process: subprocess.Popen[bytes] | ForkedProcess
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def client(self, **headers: str) -> httpx.Client:
        """Create a client that retries on 503, as clients should."""
        return self._client(RetryTransport(), **headers)

    def client_without_retries(self, **headers: str) -> httpx.Client:
        """Create a client that sends each request once, for tests of the errors themselves."""
        return self._client(httpx.HTTPTransport(verify=False), **headers)

    def _client(self, transport: httpx.BaseTransport, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.url,
            timeout=PATIENCE_SECONDS,
            headers=headers,
            trust_env=False,
            transport=transport,
        )

    @property
    def megabytes(self) -> float:
        """The resident memory, from /proc."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def connect(self, *data: bytes, receive_buffer: int | None = None) -> socket.socket:
        """Open a new connection and send raw bytes."""
        connection = socket.socket()
        connection.settimeout(PATIENCE_SECONDS)
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect(("127.0.0.1", int(self.url.rpartition(":")[2])))
        for piece in data:
            connection.sendall(piece)
        return connection

    def terminate(self) -> int:
        """Send SIGTERM. Return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_SECONDS)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: these settings, and only PATH from the tests' own.

    Without a MongoDB it uses a SQLite file in its folder.
    """
    database = {} if "MONGO_URI" in settings else {"DATABASE_URL": SQLITE_FILE}
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **database, **settings}


@contextmanager
def running_service(
    folder: Path,
    settings: Mapping[str, str],
    *options: str,
    command: Sequence[str] | None = None,
    port: int | None = None,
) -> Iterator[Service]:
    """Run the service, by default on a free port, in a folder without `.env`.

    With `command`, as a program of its own instead of a fork.
    """
    port = port or free_port()
    log_file = folder / f"service-{port}.log"
    log_file.write_bytes(b"")
    arguments = ["serve", "--port", str(port), *options]
    with _start(arguments, folder, environment(settings), log_file, command) as process:
        service = Service(f"http://127.0.0.1:{port}", process, log_file)
        try:
            _wait_until_live(service)
            yield service
        finally:
            process.kill()


def _start(
    arguments: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    log_file: Path,
    command: Sequence[str] | None,
) -> subprocess.Popen[bytes] | ForkedProcess:
    if command is None:
        return fork_server().start(arguments, folder, variables, log_file, log_file)
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [*command, *arguments], cwd=folder, env=variables, stdout=log, stderr=log
        )


def run_command(
    folder: Path, settings: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command and wait for its end."""
    with TemporaryDirectory() as outputs:
        stdout, stderr = Path(outputs) / "stdout", Path(outputs) / "stderr"
        variables = environment(settings)
        process = fork_server().start(arguments, folder, variables, stdout, stderr)
        try:
            code = process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
        texts = [path.read_text() if path.exists() else "" for path in (stdout, stderr)]
        return subprocess.CompletedProcess(arguments, code, *texts)


def _wait_until_live(service: Service) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with service.client() as client:
        while time.monotonic() < deadline and service.process.poll() is None:
            with suppress(httpx.TransportError):
                if client.get("/health/live").is_success:
                    return
            time.sleep(PAUSE_SECONDS)
    msg = f"the service does not answer; its log:\n{service.log}"
    raise RuntimeError(msg)
