"""An S3 emulator in a process of its own: moto's server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

# Any pair will do: moto checks no signature. These only look like what they stand for.
ACCESS_KEY_ID: Final = "multipart-dev"
SECRET_ACCESS_KEY: Final = "multipart-dev-secret"  # noqa: S105  # of the emulator only

# Parts wait on disk, not in memory.
_MAX_BYTES_IN_MEMORY: Final = "1048576"

_PROGRAM: Final = """
import logging, os, sys, threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

def end_with_the_parent():
    sys.stdin.read()  # ends when the parent does, however it dies
    os._exit(0)

threading.Thread(target=end_with_the_parent, daemon=True).start()
logging.getLogger("werkzeug").setLevel(logging.ERROR)
app = DomainDispatcherApplication(create_backend_app)
server = make_server(sys.argv[1], int(sys.argv[2]), app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
"""


class EmulatorError(Exception):
    """The emulator does not start; the message says why."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """An S3 that listens at `url`."""

    url: str


@contextmanager
def running_emulator(host: str, port: int) -> Iterator[Emulator]:
    """Run an emulator; port 0 takes a free one. Raise EmulatorError."""
    if find_spec("moto") is None:
        msg = "the S3 emulator is not installed: pip install '.[emulator]'"
        raise EmulatorError(msg)
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and program
        [sys.executable, "-c", _PROGRAM, host, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Ctrl-C is for us: the emulator must outlive the requests that we still finish.
        start_new_session=True,
        env=os.environ | {"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": _MAX_BYTES_IN_MEMORY},
    )
    with process:
        try:
            bound = (process.stdout.readline() if process.stdout else "").strip()
            if not bound:
                msg = (
                    f"the S3 emulator cannot listen on {host}:{port}; is the port taken? "
                    "Choose another with --s3-port (make run S3_PORT=9001)."
                )
                raise EmulatorError(msg)
            yield Emulator(f"http://{host}:{bound}")
        finally:
            process.kill()
