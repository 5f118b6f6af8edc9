"""Measure `multipart-upload dev` against what it replaced: an S3 emulator (moto) and `serve`.

.venv/bin/python -m benchmarks.embedded --megabytes 2048
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from .processes import Server, run_server
from .stub import stub_settings

ROOT: Final = Path(__file__).parents[1]
BOTH_CORES: Final = "0,1"
COMMAND: Final = str(Path(sys.executable).with_name("multipart-upload"))
DEV: Final = (COMMAND, "dev", "--port", "{port}")
SERVE: Final = (COMMAND, "serve", "--port", "{port}")
MOTO: Final = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}")
Run: TypeAlias = Callable[[Path], AbstractContextManager[list[Server]]]
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Figures:
    """What one upload cost; memory is that of all processes together, the client included."""

    ready: float
    seconds: float
    megabytes: float


def main() -> None:
    """Upload one file to each, and print the figures and their ratio."""
    options = _options()
    with TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "file.bin"
        with file.open("wb") as stream:
            stream.truncate(options.megabytes * _MIB)
        figures = {kind: _measure(run, folder, file) for kind, run in _KINDS.items()}
    for kind, measured in figures.items():
        print(
            f"{kind}: ready in {measured.ready:.1f} s, {options.megabytes} MiB in "
            f"{measured.seconds:.1f} s, {measured.megabytes:.0f} MB of memory"
        )
    new, old = figures.values()
    print(f"ratio: {old.seconds / new.seconds:.1f} times as fast")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedded", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=512, help="size of the file in MiB")
    return parser.parse_args()


@contextmanager
def _run_dev(folder: Path) -> Iterator[list[Server]]:
    with run_server("dev", DEV, folder, {}, cores=BOTH_CORES) as server:
        yield [server]


@contextmanager
def _run_moto_and_serve(folder: Path) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        moto = stack.enter_context(
            run_server("moto", MOTO, folder, {}, cores=BOTH_CORES, ready=None)
        )
        settings = stub_settings(moto.port)
        _make_bucket(moto.port, settings["S3_BUCKET_NAME"])
        settings["DATABASE_URL"] = f"sqlite+aiosqlite:///{folder}/sessions.db"
        serve = stack.enter_context(run_server("serve", SERVE, folder, settings, cores=BOTH_CORES))
        yield [serve, moto]


def _make_bucket(port: int, bucket: str) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("PUT", f"/{bucket}", headers={"Content-Length": "0"})
    connection.getresponse().read()
    connection.close()


def _measure(run: Run, folder: Path, file: Path) -> Figures:
    with run(folder) as servers:
        begun = time.perf_counter()
        client = subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "examples" / "upload.py"), str(file)),
                *("--api", f"http://127.0.0.1:{servers[0].port}"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        peak = _Peak([*servers, Server(0, client.pid, 0)])
        if client.wait():
            raise RuntimeError
        return Figures(
            sum(server.seconds_to_ready for server in servers),
            time.perf_counter() - begun,
            peak.stop(),
        )


class _Peak:
    """Samples the resident memory of processes in a thread."""

    def __init__(self, servers: list[Server]) -> None:
        self._servers = servers
        self._megabytes = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def stop(self) -> float:
        """Return the largest sum."""
        self._ended.set()
        self._thread.join()
        return self._megabytes

    def _sample(self) -> None:
        while not self._ended.wait(0.1):
            together = sum(server.megabytes for server in self._servers)
            self._megabytes = max(self._megabytes, together)


_KINDS: Final[dict[str, Run]] = {"dev": _run_dev, "moto and serve": _run_moto_and_serve}


if __name__ == "__main__":
    main()
