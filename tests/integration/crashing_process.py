"""Processes that exit at one of their calls of a port without cleanup, as after a kill.

They are forked from a server process that has imported all code and has neither threads nor an
event loop, so that a crash costs a tenth of a second. Requests arrive as pickles on stdin; exit
codes leave as lines on stdout.
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

from .real_service import Location, ShiftedClock, open_bucket, open_service

KILLED: Final = 137
_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """What a process does until it reaches the fault."""

    call: Call
    location: Location
    shift: timedelta
    fault: Fault


class SelfKillingProcess(FaultyProcess):
    async def _fail(self, fault: Fault, unavailable: Unavailable) -> NoReturn:
        del fault, unavailable
        os._exit(KILLED)


@dataclass(frozen=True, slots=True)
class ForkServer:
    """A process that forks one child per request."""

    process: subprocess.Popen[bytes]
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        command = [sys.executable, "-m", __name__]
        with subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            yield cls(process)
            assert process.stdin is not None
            process.stdin.close()

    def exit_code_of(self, plan: ProcessPlan) -> int:
        """Run a plan in a child process. Return its exit code."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self._lock:
            pickle.dump(plan, self.process.stdin)
            self.process.stdin.flush()
            return int(self.process.stdout.readline())


def main() -> None:
    botocore.session.create_loader = cache(create_loader)
    botocore.session.get_session().create_client("s3", region_name="us-east-1").close()
    while True:
        try:
            plan = pickle.load(sys.stdin.buffer)  # noqa: S301
        except EOFError:
            return
        print(_exit_code_of(plan), flush=True)  # noqa: T201


def _exit_code_of(plan: ProcessPlan) -> int:
    child = os.fork()
    if not child:
        _run_and_exit(plan)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run_and_exit(plan: ProcessPlan) -> NoReturn:
    signal.alarm(int(PATIENCE_SECONDS))
    try:
        asyncio.run(_run(plan))
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def _run(plan: ProcessPlan) -> None:
    process, request = SelfKillingProcess(plan.fault), Request(plan.call)
    async with (
        open_bucket(plan.location.s3) as bucket,
        open_service(plan.location, bucket, ShiftedClock(plan.shift)) as service,
    ):
        await request.answer(request.inject_faults(process, service))


if __name__ == "__main__":
    main()
