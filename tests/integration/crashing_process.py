"""Processes that end at one of their calls of a port, as after a kill: nothing is cleaned up.

They are forked from a process that has read all code and has no thread and no event loop yet, so
that a death costs a tenth of a second. What is to be done comes in as pickles, the exit codes go
out as lines.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final, NoReturn, Self

import botocore.session
from botocore.loaders import create_loader

from tests.patience import PATIENCE_SECONDS
from tests.unit.crashes.process import Fault, FaultyProcess, Unavailable
from tests.unit.crashes.requests import Call, Request

from .real_service import Place, ShiftedClock, opened_bucket, opened_service

KILLED: Final = 137
_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Life:
    """What a process does until it reaches the fault."""

    call: Call
    place: Place
    shift: timedelta
    fault: Fault


class KilledProcess(FaultyProcess):
    async def _fail(self, fault: Fault, unavailable: Unavailable) -> NoReturn:
        del fault, unavailable
        os._exit(KILLED)


@dataclass(frozen=True, slots=True)
class Mother:
    """The process from which others are forked, one after the other."""

    process: subprocess.Popen[bytes]
    _in_turn: Lock = field(default_factory=Lock)

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        command = [sys.executable, "-m", __name__]
        with subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            yield cls(process)
            assert process.stdin is not None
            process.stdin.close()

    def exit_code_of(self, life: Life) -> int:
        """Let a process live and tell how it ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self._in_turn:
            pickle.dump(life, self.process.stdin)
            self.process.stdin.flush()
            return int(self.process.stdout.readline())


def main() -> None:
    botocore.session.create_loader = cache(create_loader)
    botocore.session.get_session().create_client("s3", region_name="us-east-1").close()
    while True:
        try:
            life = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            return
        print(_exit_code_of(life), flush=True)  # noqa: T201


def _exit_code_of(life: Life) -> int:
    child = os.fork()
    if not child:
        _live(life)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _live(life: Life) -> NoReturn:
    signal.alarm(int(PATIENCE_SECONDS))
    try:
        asyncio.run(_lived(life))
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def _lived(life: Life) -> None:
    process, request = KilledProcess(life.fault), Request(life.call)
    async with (
        opened_bucket(life.place.s3) as bucket,
        opened_service(life.place, bucket, ShiftedClock(life.shift)) as service,
    ):
        await request.answer(request.inject_faults(process, service))


if __name__ == "__main__":
    main()
