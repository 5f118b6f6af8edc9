"""Run an S3 emulator, moto's server, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# moto accepts any pair, as it checks no signatures.
ACCESS_KEY_ID: Final = "multipart-dev"
SECRET_ACCESS_KEY: Final = "multipart-dev-secret"  # noqa: S105  # of the emulator only

# Larger parts are kept on disk.
_MAX_BYTES_IN_MEMORY: Final = "1048576"

_PROGRAM: Final = Path(__file__).with_name("moto_server.py")


class EmulatorError(Exception):
    """The emulator did not start; the message says why."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """An S3 that listens at `url`."""

    url: str


@contextmanager
def run_emulator(host: str, port: int) -> Iterator[Emulator]:
    """Run an emulator on a port, or on a free one for port 0. Raise EmulatorError."""
    if find_spec("moto") is None:
        msg = "the S3 emulator is not installed: pip install '.[emulator]'"
        raise EmulatorError(msg)
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and program
        # -P: modules in the program's folder must not shadow others.
        [sys.executable, "-P", str(_PROGRAM), host, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Ctrl-C must not end it: `dev` finishes the requests that are running.
        start_new_session=True,
        env=os.environ | {"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": _MAX_BYTES_IN_MEMORY},
    )
    with process:
        try:
            bound_port = (process.stdout.readline() if process.stdout else "").strip()
            if not bound_port:
                msg = (
                    f"the S3 emulator cannot listen on {host}:{port}; is the port taken? "
                    "Choose another with --s3-port (make run S3_PORT=9001)."
                )
                raise EmulatorError(msg)
            yield Emulator(f"http://{host}:{bound_port}")
        finally:
            process.kill()
