"""The kinds of MongoDB server for tests, from a real one to a substitute from PyPI."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from tests.patience import PATIENCE_SECONDS, PAUSE_SECONDS

_ALREADY_INITIALIZED: Final = 23

STOP_SECONDS: Final = 20.0
"""secantusdb (0.7.0b3) rarely ignores SIGTERM while clients connect. Its data survives a kill."""


class MongoServer(ABC):
    """A server that keeps its address and data when stopped or killed and restarted."""

    name: str
    """The name for the summary of the test run."""
    uri: str
    """The address, without a database."""

    @abstractmethod
    def start(self) -> None:
        """Start the server and wait until it accepts writes. Do nothing if it is running."""

    @abstractmethod
    def stop(self) -> None:
        """Shut down cleanly."""

    @abstractmethod
    def kill(self) -> None:
        """Stop at once, as in a power failure."""

    @abstractmethod
    def discard(self) -> None:
        """Stop for good and release its resources."""


class ExternalServer(MongoServer):
    """The server of MONGO_URI, which tests may not stop."""

    def __init__(self, uri: str) -> None:
        self.name = "the server of MONGO_URI"
        self.uri = uri

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Refuse; a test that stops its server uses `own_mongo_server`."""
        msg = "tests may not stop the server of MONGO_URI"
        raise RuntimeError(msg)

    def kill(self) -> None:
        """Refuse, as `stop` does."""
        self.stop()

    def discard(self) -> None:
        """Leave it running."""


class ProcessServer(MongoServer):
    """A server as a local process with its own data folder."""

    def __init__(self, name: str, folder: Path, port: int, *command: str) -> None:
        self.name = name
        self.uri = f"mongodb://127.0.0.1:{port}/"
        self._folder = folder
        self._port = port
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it is a primary."""
        if self._process is not None:
            return
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdout=log, stderr=log
            )
        make_primary(self.uri, f"127.0.0.1:{self._port}", self._require_running)

    def stop(self) -> None:
        """Send SIGTERM."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, so that nothing more is flushed."""
        self._end(signal.SIGKILL)

    def discard(self) -> None:
        """Kill the process, without waiting for clients."""
        self.kill()

    def _end(self, sign: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(sign)
            try:
                self._process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=PATIENCE_SECONDS)
            self._process = None

    def _require_running(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            log = (self._folder / "server.log").read_text(errors="replace")
            msg = f"{self.name} ended with {self._process.returncode}:\n{log[-2000:]}"
            raise RuntimeError(msg)


def mongod(folder: Path) -> MongoServer | None:
    """Return a `mongod` from PATH, if there is one."""
    if (program := shutil.which("mongod")) is None:
        return None
    port = free_port()
    options = ("--dbpath", str(folder), "--bind_ip", "127.0.0.1", "--replSet", "rs0")
    return ProcessServer(
        f"mongod at {program}", folder, port, program, "--port", str(port), *options
    )


def secantusdb(folder: Path) -> MongoServer | None:
    """Return the substitute from PyPI: MongoDB's protocol on MongoDB's storage engine."""
    if find_spec("secantus") is None:
        return None
    port = free_port()
    command = (sys.executable, "-m", "secantus", "--port", str(port), "--storage-path", str(folder))
    return ProcessServer(f"secantusdb {version('secantusdb')} from PyPI", folder, port, *command)


def external(_folder: Path) -> MongoServer | None:
    """Return the server of MONGO_URI, if set."""
    uri = os.environ.get("MONGO_URI")
    return ExternalServer(uri) if uri else None


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_primary(uri: str, member: str, require_running: Any = lambda: None) -> None:
    """Wait until the server accepts writes; initiate its replica set if it has none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    client: MongoClient[dict[str, Any]] = MongoClient(
        uri, directConnection=True, serverSelectionTimeoutMS=5000
    )
    with client:
        while time.monotonic() < deadline:
            require_running()
            with suppress(PyMongoError):
                if _is_primary(client, member):
                    return
            time.sleep(PAUSE_SECONDS)
    msg = f"no primary at {uri} within {PATIENCE_SECONDS:.0f} s"
    raise TimeoutError(msg)


def _is_primary(client: MongoClient[dict[str, Any]], member: str) -> bool:
    hello = client.admin.command("hello")
    if "setName" not in hello:
        members = [{"_id": 0, "host": member}]
        try:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": members})
        except OperationFailure as exc:
            if exc.code != _ALREADY_INITIALIZED:
                raise
    return bool(hello.get("isWritablePrimary")) and "setName" in hello
