"""Processes with a fault at one of their port calls, and the source position of each call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from types import FrameType
from typing import Any, Final, TypeAlias, TypeVar, cast

from multipart_upload.application.observed_repository import ObservedRepository
from multipart_upload.application.ports import (
    EventRepository,
    ForwardingRepository,
    ObjectStore,
    QuotaRepository,
    SessionRepository,
)
from multipart_upload.application.session_cache import SessionCache
from multipart_upload.domain.errors import (
    RepositoryUnavailableError,
    StoreUnavailableError,
    UnavailableError,
    UploadError,
)

T = TypeVar("T")
Unavailable: TypeAlias = Callable[[], UnavailableError]
_MAX_SECONDS: Final = 3600.0
_TASK_END_SECONDS: Final = 1.0
FORWARDING: Final = {
    SessionCache.__module__,
    ForwardingRepository.__module__,
    ObservedRepository.__module__,
}
_CODE_UNIT: Final = 2
"""Bytes of one instruction: a frame counts bytes, the table of positions instructions."""


@dataclass(frozen=True, slots=True, order=True)
class CallSite:
    """Where a call ends in the source; unlike its start, no other call shares it."""

    module: str
    line: int
    column: int


class Timing(StrEnum):
    BEFORE = "before"
    """The call never reaches the port."""
    AFTER = "after"
    """The port has done the work, and its answer is lost."""


class FaultKind(StrEnum):
    ERROR = "error"
    """The port raises that it is not available."""
    CANCELLATION = "cancellation"
    """The calling task is cancelled, as when its client disconnects."""


class Extent(StrEnum):
    SINGLE_CALL = "single call"
    """Only this call fails; the use case's clean-up calls reach the ports."""
    CRASH = "crash"
    """The process is gone: no later call reaches a port."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to inject; `call_number` counts the port calls of a run from 0."""

    call_number: int
    timing: Timing
    kind: FaultKind
    extent: Extent


@dataclass(slots=True)
class FaultyProcess:
    """A process with one fault; `call_sites` lists its port calls so far."""

    fault: Fault | None = None
    call_sites: list[CallSite] = field(default_factory=list)
    injected_at: CallSite | None = None
    _has_crashed: bool = False
    _main: asyncio.Task[Any] | None = None

    def wrap_sessions(self, sessions: SessionRepository) -> SessionRepository:
        """Wrap the repository for this process."""
        return cast("SessionRepository", _FaultyPort(self, sessions, RepositoryUnavailableError))

    def wrap_store(self, store: ObjectStore) -> ObjectStore:
        """Wrap the store for this process."""
        return cast("ObjectStore", _FaultyPort(self, store, StoreUnavailableError))

    def wrap_quotas(self, quotas: QuotaRepository) -> QuotaRepository:
        """Wrap the quotas for this process."""
        return cast("QuotaRepository", _FaultyPort(self, quotas, RepositoryUnavailableError))

    def wrap_events(self, events: EventRepository) -> EventRepository:
        """Wrap the log of events for this process."""
        return cast("EventRepository", _FaultyPort(self, events, RepositoryUnavailableError))

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the work as this process, and require that it leaves no task running."""
        existing_tasks = asyncio.all_tasks()
        self._main = main = asyncio.create_task(work)
        await asyncio.wait({main}, timeout=_MAX_SECONDS)
        assert main.done(), "the use case does not return"
        if tasks := asyncio.all_tasks() - existing_tasks:
            _, running = await asyncio.wait(tasks, timeout=_TASK_END_SECONDS)
            assert not running, "the use case left tasks running"
        return main.result()

    async def call_port(
        self, number: int, call: Callable[[], Awaitable[T]], unavailable: Unavailable
    ) -> T:
        self._require_alive(unavailable)
        await self._inject(number, Timing.BEFORE, unavailable)
        try:
            answer = await call()
        except UploadError:
            await self._inject(number, Timing.AFTER, unavailable)
            self._require_alive(unavailable)
            raise
        await self._inject(number, Timing.AFTER, unavailable)
        self._require_alive(unavailable)
        return answer

    def _require_alive(self, unavailable: Unavailable) -> None:
        if self._has_crashed:
            raise unavailable()

    async def _inject(self, number: int, timing: Timing, unavailable: Unavailable) -> None:
        if self.fault is None or (number, timing) != (self.fault.call_number, self.fault.timing):
            return
        self.injected_at = self.call_sites[number]
        await self._fail(self.fault, unavailable)

    async def _fail(self, fault: Fault, unavailable: Unavailable) -> None:
        self._has_crashed = fault.extent is Extent.CRASH
        if fault.kind is FaultKind.ERROR:
            raise unavailable()
        if self._main is not None:
            self._main.cancel()
        await asyncio.sleep(_MAX_SECONDS / 2)
        raise AssertionError("a port call outlived the cancellation of its caller")


class _FaultyPort:
    """A port that counts its calls and injects the process's fault."""

    def __init__(self, process: FaultyProcess, port: object, unavailable: Unavailable) -> None:
        self._process, self._port, self._unavailable = process, port, unavailable

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not callable(method):  # capabilities, which are no call
            return method

        def call(*args: object, **options: object) -> Coroutine[Any, Any, Any]:
            number = len(self._process.call_sites)
            # At the call, not at the await: gather awaits its coroutines outside the use case.
            self._process.call_sites.append(_find_call_site(sys._getframe(1)))  # noqa: SLF001
            return self._process.call_port(
                number, lambda: method(*args, **options), self._unavailable
            )

        return call


def _find_call_site(frame: FrameType) -> CallSite:
    while frame.f_globals["__name__"] in FORWARDING and frame.f_back is not None:
        # The cache only forwards calls: the call site is that of its caller.
        frame = frame.f_back
    positions = islice(frame.f_code.co_positions(), frame.f_lasti // _CODE_UNIT, None)
    _, line, _, column = next(positions)
    return CallSite(frame.f_globals["__name__"], line or 0, column or 0)
