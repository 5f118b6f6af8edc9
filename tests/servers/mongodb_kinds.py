"""The kinds of MongoDB server that tests can use, from the real one to a stand-in from PyPI."""

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


class MongoServer(ABC):
    """A server that keeps its address and its data over stop or kill and start."""

    name: str
    """What it is, for the report of the run."""
    uri: str
    """Its address, without a database."""

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it takes writes; nothing happens if it runs."""

    @abstractmethod
    def stop(self) -> None:
        """Let it shut down in order."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, as a power cut would."""

    @abstractmethod
    def discard(self) -> None:
        """End it for good; its data may go."""


class ExternalServer(MongoServer):
    """Somebody else's server: nothing here may stop it."""

    def __init__(self, uri: str) -> None:
        self.name = "the server of MONGO_URI"
        self.uri = uri

    def start(self) -> None:
        """Take it as it is."""

    def stop(self) -> None:
        """Refuse: a test that wants this takes `own_mongo_server`."""
        msg = "the server of MONGO_URI is not for the tests to stop"
        raise RuntimeError(msg)

    def kill(self) -> None:
        """Refuse, as to stop."""
        self.stop()

    def discard(self) -> None:
        """Leave it running."""


class ProcessServer(MongoServer):
    """A server that is a process of this machine, on a folder of its own."""

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
        """Ask the process to end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Give the process no chance to flush anything."""
        self._end(signal.SIGKILL)

    def discard(self) -> None:
        """Do not wait for the clients."""
        self.kill()

    def _end(self, sign: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(sign)
            self._process.wait(timeout=PATIENCE_SECONDS)
            self._process = None

    def _require_running(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            log = (self._folder / "server.log").read_text(errors="replace")
            msg = f"{self.name} ended with {self._process.returncode}:\n{log[-2000:]}"
            raise RuntimeError(msg)


def mongod(folder: Path) -> MongoServer | None:
    """Give the MongoDB of this machine, if it has one."""
    if (program := shutil.which("mongod")) is None:
        return None
    port = free_port()
    options = ("--dbpath", str(folder), "--bind_ip", "127.0.0.1", "--replSet", "rs0")
    return ProcessServer(
        f"mongod at {program}", folder, port, program, "--port", str(port), *options
    )


def secantusdb(folder: Path) -> MongoServer | None:
    """Give PyPI's stand-in, which speaks MongoDB's protocol over MongoDB's storage engine."""
    if find_spec("secantus") is None:
        return None
    port = free_port()
    command = (sys.executable, "-m", "secantus", "--port", str(port), "--storage-path", str(folder))
    return ProcessServer(f"secantusdb {version('secantusdb')} from PyPI", folder, port, *command)


def external(_folder: Path) -> MongoServer | None:
    """Give the server that the environment names."""
    uri = os.environ.get("MONGO_URI")
    return ExternalServer(uri) if uri else None


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_primary(uri: str, member: str, require_running: Any = lambda: None) -> None:
    """Wait until the server answers and takes writes; a node that has no replica set gets one."""
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
