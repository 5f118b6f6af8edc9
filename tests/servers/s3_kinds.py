"""The kinds of S3 server for tests, each a process with its own folder and port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import httpx
from botocore.config import Config
from botocore.session import get_session

from tests.patience import PATIENCE_SECONDS, PAUSE_SECONDS

INSTALL_SECONDS: Final = 300.0
_POLICY: Final = (
    '{"Version": "2012-10-17",'
    ' "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
)


class S3Server:
    """A server that keeps its address, keys and objects when stopped and restarted."""

    def __init__(
        self, name: str, folder: Path, *command: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.access_key = "test-access-key"
        self.secret_key = "test-secret-key"
        self.port = _free_port()
        self.endpoint_url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._command = [argument.format(port=self.port) for argument in command]
        self._environment = {
            name: value.format(port=self.port) for name, value in (environment or {}).items()
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = None

    def start(self) -> None:
        """Start the server and wait until it answers. Do nothing if it is running."""
        if self._process is not None:
            return
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                # Keep its temporary files in the same folder.
                env={**os.environ, "TMPDIR": str(self._folder), **self._environment},
                stdout=log,
                stderr=log,
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut down cleanly."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop at once, as in a power failure."""
        self._end(signal.SIGKILL)

    def make_bucket(self, name: str) -> None:
        """Create a bucket, with one cached client: creating a client is slow."""
        if self._client is None:
            self._client = self._client_for("s3", self.access_key, self.secret_key)
        self._client.create_bucket(Bucket=name)

    def _client_for(self, service: str, access_key: str, secret_key: str) -> Any:
        return get_session().create_client(
            service,
            region_name="us-east-1",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(proxies={}),
        )

    def _end(self, sign: signal.Signals) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._process is not None:
            self._process.send_signal(sign)
            self._process.wait(timeout=PATIENCE_SECONDS)
            self._process = None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                log = (self._folder / "server.log").read_text(errors="replace")
                msg = f"{self.name} ended:\n{log[-2000:]}"
                raise RuntimeError(msg)
            with suppress(httpx.TransportError):
                httpx.get(self.endpoint_url, timeout=10, trust_env=False)
                return
            time.sleep(PAUSE_SECONDS)
        msg = f"{self.name} does not answer within {PATIENCE_SECONDS:.0f} s"
        raise TimeoutError(msg)


class MiniStack(S3Server):
    """An emulator that checks the signatures of IAM users, but not all of those by its root key.

    Users and objects survive a stop but not a kill; open uploads survive neither.
    """

    def __init__(self, program: str, folder: Path) -> None:
        super().__init__(
            f"MiniStack at {program}",
            folder,
            program,
            environment={
                "AUTH": "true",
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": "{port}",
                "SERVICES": "s3,iam,sts",
                "PERSIST_STATE": "1",
                "STATE_DIR": str(folder / "state"),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(folder / "objects"),
            },
        )
        self._has_user = False

    def start(self) -> None:
        """Start the server and create its user once."""
        super().start()
        if not self._has_user:
            self._make_user()
            self._has_user = True

    def _make_user(self) -> None:
        iam = self._client_for("iam", "test", "test")
        iam.create_user(UserName="tester")
        iam.put_user_policy(UserName="tester", PolicyName="s3", PolicyDocument=_POLICY)
        key = iam.create_access_key(UserName="tester")["AccessKey"]
        self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
        iam.close()


class CephRgw(S3Server):
    """Several processes that a script starts and stops; nothing survives a stop."""

    def __init__(self, script: Path, folder: Path) -> None:
        super().__init__(f"Ceph RGW by {script.name}", folder, str(script))
        self._is_running = False

    def start(self) -> None:
        """Install it if needed, start it, and read the keys that the script prints."""
        if self._is_running:
            return
        printed = dict(
            line.split("=", 1) for line in self._run("start", str(self.port)).splitlines()
        )
        self._is_running = True
        self.access_key, self.secret_key = (
            printed["AWS_ACCESS_KEY_ID"],
            printed["AWS_SECRET_ACCESS_KEY"],
        )

    def _end(self, sign: signal.Signals) -> None:
        super()._end(sign)
        if self._is_running:
            self._run("stop")
            self._is_running = False

    def _run(self, verb: str, *more: str) -> str:
        command = [*self._command, verb, str(self._folder / "ceph"), *more]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        if ended.returncode:
            msg = f"{self.name} does not {verb}:\n{ended.stderr}"
            raise RuntimeError(msg)
        return ended.stdout


def versitygw(folder: Path, _root: Path) -> S3Server | None:
    """Return versitygw on a folder, if PATH has it; of all kinds the closest to AWS."""
    if (program := shutil.which("versitygw")) is None:
        return None
    (objects := folder / "objects").mkdir()
    return S3Server(
        f"versitygw at {program}",
        folder,
        *(program, "--port", "127.0.0.1:{port}", "--quiet", "posix", str(objects)),
        environment={
            "ROOT_ACCESS_KEY_ID": "test-access-key",
            "ROOT_SECRET_ACCESS_KEY": "test-secret-key",
        },
    )


def ministack(folder: Path, root: Path) -> S3Server | None:
    """Return the emulator from PyPI, from PATH or from its own virtual environment."""
    here = root / ".venv-ministack" / "bin" / "ministack"
    program = shutil.which("ministack") or (str(here) if here.exists() else None)
    return None if program is None else MiniStack(program, folder)


def ceph_rgw(folder: Path, root: Path) -> S3Server | None:
    """Return Ceph, if CEPH_RGW names the script that starts it; installing takes a minute."""
    script = os.environ.get("CEPH_RGW")
    return CephRgw(root / script, folder) if script else None


def moto(folder: Path, _root: Path) -> S3Server:
    """Return moto, which is always installed and does not check signatures."""
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}")
    return S3Server(f"moto {version('moto')}", folder, *command)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
