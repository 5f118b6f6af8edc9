"""MongoDB in a container, if a Docker daemon is available."""

from __future__ import annotations

import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from .mongodb_kinds import MongoServer, free_port, make_primary

if TYPE_CHECKING:
    from testcontainers.community.mongodb import MongoDbContainer

IMAGE: Final = "mongo:8"


class DockerServer(MongoServer):
    """The official MongoDB image as a replica set of one node."""

    def __init__(self, port: int) -> None:
        self.name = f"Docker image {IMAGE}"
        # Direct, because the member's own address is valid only inside the container.
        self.uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        self._port = port
        self._container: MongoDbContainer | None = None
        self._running = False

    def start(self) -> None:
        """Create the container, or restart it."""
        if self._running:
            return
        if self._container is None:
            self._container = _replica_set_container(self._port)
            self._container.start()
        else:
            self._wrapped().start()
        self._running = True
        make_primary(self.uri, "localhost:27017")

    def stop(self) -> None:
        """Stop the container and keep it."""
        if self._running:
            self._wrapped().stop()
            self._running = False

    def kill(self) -> None:
        """Kill the container and keep it."""
        self._wrapped().kill()
        self._running = False

    def discard(self) -> None:
        """Remove the container."""
        if self._container is not None:
            self._container.stop()

    def _wrapped(self) -> Any:
        if self._container is None:
            msg = "the container was never started"
            raise RuntimeError(msg)
        return self._container.get_wrapped_container()


def docker(_folder: Path) -> MongoServer | None:
    """Return a server in a container, if a Docker daemon answers."""
    if find_spec("testcontainers") is None:
        return None
    return DockerServer(free_port()) if _docker_listens() else None


def _docker_listens() -> bool:
    # Not with the docker package, which leaves its socket open if there is no daemon.
    host = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    local = host.scheme == "unix"
    try:
        with socket.socket(socket.AF_UNIX if local else socket.AF_INET) as probe:
            probe.settimeout(2)
            probe.connect(host.path if local else (host.hostname or "", host.port or 2375))
    except OSError:
        return False
    return True


def _replica_set_container(port: int) -> MongoDbContainer:
    from testcontainers.community.mongodb import MongoDbContainer  # noqa: PLC0415

    class ReplicaSetContainer(MongoDbContainer):
        def _configure(self) -> None:
            # No root user: with one, a replica set also needs a key file.
            self.with_command("--replSet rs0 --bind_ip_all")

    return ReplicaSetContainer(IMAGE).with_bind_ports(27017, port)
