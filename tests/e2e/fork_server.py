"""Commands of the service in forked processes, which have imported its code already.

Starting Python and importing everything costs a second; a fork costs a hundredth of that. Each test
process has one server, which has neither threads nor an event loop. Requests arrive as lines of
JSON on stdin, process ids leave on stdout, and exit codes as files.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Final, NoReturn, Self

ROOT: Final = Path(__file__).parents[2]
_PRELOADED: Final = (
    "aiobotocore.session",
    "aiosqlite",
    "multipart_upload.adapters.mongo.client",
    "multipart_upload.adapters.s3.object_store",
    "multipart_upload.adapters.sql.database",
    "multipart_upload.entrypoints.cli",
    "multipart_upload.entrypoints.http.app",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)
_PAUSE_SECONDS: Final = 0.01


@dataclass(slots=True)
class ForkedProcess:
    """A process with the methods of `subprocess.Popen` that tests use."""

    pid: int
    _exit_file: Path
    returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or minus the signal that ended it; None while it runs."""
        if self.returncode is None:
            with suppress(FileNotFoundError):
                self.returncode = int(self._exit_file.read_text())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raise subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("multipart-upload", timeout or 0)
            time.sleep(_PAUSE_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()


@dataclass(frozen=True, slots=True)
class ForkServer:
    """The process that forks."""

    process: subprocess.Popen[bytes]
    exit_files: Path
    lock: Lock

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdout: Path,
        stderr: Path,
    ) -> ForkedProcess:
        """Run `multipart-upload` in a folder, with nothing else in its environment."""
        request = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "stdout": str(stdout),
            "stderr": str(stderr),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.lock:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            pid = int(self.process.stdout.readline())
        return ForkedProcess(pid, self.exit_files / str(pid))


@cache
def fork_server() -> ForkServer:
    """Start the server of this test process, once."""
    folder = TemporaryDirectory(prefix="exit-codes-")
    code = "from tests.e2e.fork_server import serve; serve()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, folder.name],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(_stop, process, folder)
    return ForkServer(process, Path(folder.name), Lock())


def _stop(process: subprocess.Popen[bytes], folder: TemporaryDirectory[str]) -> None:
    process.kill()
    process.communicate()
    folder.cleanup()


def serve() -> None:
    """Fork a process for each request until stdin ends."""
    for name in _PRELOADED:
        import_module(name)
    gc.freeze()
    exit_files = Path(sys.argv[1])
    ended, wakeup = os.pipe()
    for end in (ended, wakeup):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    requests = sys.stdin.buffer
    while True:
        readable, _, _ = select.select([requests, ended], [], [])
        if ended in readable:
            os.read(ended, 4096)
            _collect_exit_codes(exit_files)
        if requests in readable:
            line = requests.readline()
            if not line:
                return
            pid = os.fork()
            if not pid:
                _run(json.loads(line))
            # Of an earlier process with the same id.
            (exit_files / str(pid)).unlink(missing_ok=True)
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()


def _collect_exit_codes(folder: Path) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            # Renamed, so that a reader finds the whole code or nothing.
            draft = folder / f"{pid}.draft"
            draft.write_text(str(os.waitstatus_to_exitcode(status)))
            draft.rename(folder / str(pid))


def _run(request: Mapping[str, object]) -> NoReturn:
    code = 1
    try:
        code = _run_command(request)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)


def _run_command(request: Mapping[str, object]) -> int:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        opened = os.open(str(request[name]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.chdir(str(request["folder"]))
    os.environ.clear()
    environment, arguments = request["environment"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.update(environment)
    sys.argv = ["multipart-upload", *arguments]
    try:
        import_module("multipart_upload.entrypoints.cli").main(prog_name="multipart-upload")
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            return ending.code or 0
        sys.stderr.write(f"{ending.code}\n")
        return 1
    except BaseException:  # noqa: BLE001  # as Python itself ends a program
        sys.excepthook(*sys.exc_info())
        return 1
    return 0
