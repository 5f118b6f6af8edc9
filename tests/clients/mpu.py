"""Run `mpu` as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.patience import PATIENCE_SECONDS

from .environment import Environment

COMMAND: Final = (
    sys.executable,
    "-c",
    "from multipart_upload_client.cli import main; main(prog_name='mpu')",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    code: int
    output: str
    errors: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines()]

    @property
    def event(self) -> dict[str, Any]:
        """The last event."""
        return self.events[-1]


@dataclass(frozen=True, slots=True)
class Mpu:
    """The command, for the service and the user of a test."""

    environment: Environment

    def run(self, *arguments: str | Path, stdin: bytes = b"", **variables: str) -> Ended:
        """Run to the end."""
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            env={**self._variables, **variables},
            cwd=self.environment.folder,
            input=stdin,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextmanager
    def running(self, *arguments: str | Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Run in the background."""
        with subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=self._variables,
            cwd=self.environment.folder,
            text=True,
            **options,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @property
    def _variables(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "TERM": "xterm",
            "MPU_API": self.environment.api_proxy.url,
            "MPU_USER": self.environment.user_id,
            "MPU_STATE_FOLDER": str(self.environment.state_folder),
        }
