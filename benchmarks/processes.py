"""The measured servers, each a process pinned to a core."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import ProxyHandler, build_opener

SERVER_CORE: Final = "0"
LOAD_CORE: Final = "1"
READY_SECONDS: Final = 60.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat as in proc(5), counted after the command's name.
_SESSION, _UTIME, _STIME, _RSS = 3, 11, 12, 21
_open = build_opener(ProxyHandler({})).open


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; the figures include its child processes, such as workers."""

    port: int
    pid: int
    seconds_to_ready: float

    @property
    def cpu_seconds(self) -> float:
        """The CPU time used so far."""
        return sum(int(s[_UTIME]) + int(s[_STIME]) for s in self._stats()) / _TICKS

    @property
    def megabytes(self) -> float:
        """The resident memory."""
        return sum(int(stat[_RSS]) for stat in self._stats()) * _PAGE / 1e6

    def _stats(self) -> Iterator[list[str]]:
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                stat = path.read_text().rpartition(") ")[2].split()
                if int(stat[_SESSION]) == self.pid:
                    yield stat


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run_server(
    name: str,
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    cores: str = SERVER_CORE,
    ready: str | None = "/health/ready",
) -> Iterator[Server]:
    """Run a server in a folder until the block ends; its command gets a free `{port}`."""
    port = free_port()
    log = folder / f"{name}.log"
    begun = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(  # a command from the roster
            ["taskset", "-c", cores, *(part.format(port=port) for part in command)],  # noqa: S607
            cwd=folder,
            env={"PATH": os.environ["PATH"], **environment, "PORT": str(port)},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(process, port, ready, log)
        yield Server(port, process.pid, time.perf_counter() - begun)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=READY_SECONDS)


def _wait(process: subprocess.Popen[bytes], port: int, ready: str | None, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            if ready is None:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            else:
                _open(f"http://127.0.0.1:{port}{ready}", timeout=5).close()
            return
        time.sleep(0.01)
    msg = f"not ready:\n{log.read_text(errors='replace')[-2000:]}"
    raise RuntimeError(msg)
