"""A replica set of three members, which can be killed or isolated."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.patience import PATIENCE_SECONDS, wait_until

from .mongodb_docker import IMAGE, docker
from .mongodb_kinds import free_port

T = TypeVar("T")

NAME: Final = "rs0"
# How long a member waits for a primary before it calls an election; MongoDB's default is 10 s.
ELECTION_MILLISECONDS: Final = 5000
ANSWER_SECONDS: Final = 2.0
_PRIMARY_OR_SECONDARY: Final = {1, 2}


class Machine(Protocol):
    """Where the members run: a folder, the address to listen on, and a shell."""

    name: str
    folder: str
    listen: str

    def run(self, script: str) -> None:
        """Run a shell script; raise if it fails."""

    def discard(self) -> None:
        """Release the machine."""


class LocalMachine:
    """Run the members as local processes."""

    def __init__(self, program: str, folder: Path) -> None:
        self.name = f"three mongod at {program}"
        self.folder = str(folder)
        self.listen = "127.0.0.1"

    def run(self, script: str) -> None:
        subprocess.run(
            ("/bin/sh", "-c", script),
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
        )

    def discard(self) -> None:
        """Do nothing: the replica set kills its members itself."""


class DockerMachine:
    """Run the members in one container, so that they and the tests use the same addresses."""

    def __init__(self, ports: list[int]) -> None:
        self.name = f"three mongod in Docker image {IMAGE}"
        self.folder = "/tmp"  # noqa: S108  # the container's own
        self.listen = "0.0.0.0"  # noqa: S104  # of the container
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415

        # With an init process, which reaps killed members.
        self._container = DockerContainer(IMAGE).with_kwargs(init=True)
        self._container.with_command(["sleep", "infinity"])
        for port in ports:
            self._container.with_bind_ports(port, port)
        self._container.start()

    def run(self, script: str) -> None:
        code, output = self._container.exec(["sh", "-c", script])
        if code:
            msg = f"{script!r} ended with {code}: {output.decode(errors='replace')}"
            raise RuntimeError(msg)

    def discard(self) -> None:
        self._container.stop()


class ReplicaSet:
    """Three members, identified by their ports."""

    def __init__(self, machine: Machine, ports: list[int]) -> None:
        self.name = machine.name
        self._machine = machine
        self._ports = ports

    def uri(self, database: str) -> str:
        members = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"mongodb://{members}/{database}?replicaSet={NAME}"

    def start(self) -> None:
        """Start all members and initiate the replica set."""
        for port in self._ports:
            self.start_member(port)
        wait_until(lambda: all(map(_answers, self._ports)), "answers of all members")
        members = [
            {"_id": number, "host": f"127.0.0.1:{port}"} for number, port in enumerate(self._ports)
        ]
        settings = {"electionTimeoutMillis": ELECTION_MILLISECONDS}
        config = {"_id": NAME, "members": members, "settings": settings}
        _ask(self._ports[0], "replSetInitiate", config, within=PATIENCE_SECONDS)
        self.wait_until_whole()

    def start_member(self, port: int) -> None:
        folder = f"{self._machine.folder}/{port}"
        command = (
            f"mongod --replSet {NAME} --port {port} --bind_ip {self._machine.listen}"
            f" --dbpath {folder} --wiredTigerCacheSizeGB 0.25"
        )
        self._machine.run(
            f"mkdir -p {folder}; nohup {command} >>{folder}.log 2>&1 & echo $! >{folder}.pid"
        )

    def kill(self, port: int) -> None:
        """Kill a member and wait until its process has ended."""
        self._signal(port, "KILL")
        pid = f"$(cat {self._machine.folder}/{port}.pid)"
        is_gone = f"kill -0 {pid} 2>/dev/null || exit 0"
        self._machine.run(f"for _ in $(seq 100); do {is_gone}; sleep 0.1; done")

    def cut_off(self, port: int) -> None:
        """Suspend a member: it neither receives nor sends, and its connections stay open."""
        self._signal(port, "STOP")

    def reconnect(self, port: int) -> None:
        """Resume a suspended member, which then receives what was sent to it."""
        self._signal(port, "CONT")

    def primary(self, other_than: int | None = None) -> int:
        """Wait until a member is primary, and return its port."""
        others = [port for port in self._ports if port != other_than]
        return wait_until(lambda: next(filter(_is_primary, others), None), "a primary")

    def wait_until_whole(self) -> None:
        """Wait until one member is the primary and all others follow it."""
        wait_until(lambda: _is_whole(self.primary()), "a primary that two others follow")

    def discard(self) -> None:
        """Kill all members and release the machine."""
        for port in self._ports:
            with suppress(subprocess.SubprocessError, RuntimeError):
                self.kill(port)
        self._machine.discard()

    def _signal(self, port: int, signal: str) -> None:
        self._machine.run(f"kill -{signal} $(cat {self._machine.folder}/{port}.pid)")


def find_replica_set(folder: Path) -> ReplicaSet | None:
    """Return a set, not started yet, if there is a mongod on PATH or a Docker daemon."""
    ports = [free_port() for _ in range(3)]
    if program := shutil.which("mongod"):
        return ReplicaSet(LocalMachine(program, folder), ports)
    return ReplicaSet(DockerMachine(ports), ports) if docker(folder) else None


def _ask(
    port: int, command: str, value: object = 1, within: float = ANSWER_SECONDS
) -> dict[str, Any]:
    client: MongoClient[dict[str, Any]] = MongoClient("127.0.0.1", port, directConnection=True)
    with client, pymongo.timeout(within):
        return client.admin.command(command, value)


def _answers(port: int) -> bool:
    with suppress(PyMongoError):
        return bool(_ask(port, "ping"))
    return False


def _is_primary(port: int) -> bool:
    with suppress(PyMongoError):
        return bool(_ask(port, "hello")["isWritablePrimary"])
    return False


def _is_whole(primary: int) -> bool:
    with suppress(PyMongoError):
        members = _ask(primary, "replSetGetStatus")["members"]
        return all(member["state"] in _PRIMARY_OR_SECONDARY for member in members)
    return False
