"""Processes that die at one of their calls of a port, and where in the source each call stands."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from types import FrameType
from typing import Any, Final, TypeAlias, TypeVar, cast

from multipart_upload.application.ports import ObjectStore, SessionRepository
from multipart_upload.application.session_cache import SessionCache
from multipart_upload.domain.errors import (
    RepositoryUnavailableError,
    StoreUnavailableError,
    UnavailableError,
    UploadError,
)

T = TypeVar("T")
Unavailable: TypeAlias = Callable[[], UnavailableError]
_PATIENCE: Final = 3600.0
_AT_ONCE: Final = 1.0
_CODE_UNIT: Final = 2
"""Bytes of one instruction: a frame counts bytes, the table of positions instructions."""


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """Where in the source a call ends: two calls may share their beginning, never their end."""

    module: str
    line: int
    column: int


class Moment(StrEnum):
    BEFORE = "before"
    """The port has not heard of the call."""
    AFTER = "after"
    """The port has done what it was told, and nobody hears of it."""


class Manner(StrEnum):
    RAISED = "raised"
    """The port says that it is not available."""
    CANCELLED = "cancelled"
    """The caller is cancelled, as when its client hangs up."""


class Extent(StrEnum):
    OUTAGE = "outage"
    """Only this call fails: what the use case does then is carried out."""
    DEATH = "death"
    """No later call reaches a port."""


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens, and at which call of a port: they are counted from 0."""

    number: int
    moment: Moment
    manner: Manner
    extent: Extent


@dataclass(slots=True)
class DyingProcess:
    """One process; `sites` are those of all its calls so far, `struck_at` where it was struck."""

    strike: Strike | None = None
    sites: list[Site] = field(default_factory=list)
    struck_at: Site | None = None
    _is_dead: bool = False
    _main: asyncio.Task[Any] | None = None

    def sessions(self, sessions: SessionRepository) -> SessionRepository:
        """Give the repository as this process sees it."""
        return cast("SessionRepository", _DyingPort(self, sessions, RepositoryUnavailableError))

    def store(self, store: ObjectStore) -> ObjectStore:
        """Give the store as this process sees it."""
        return cast("ObjectStore", _DyingPort(self, store, StoreUnavailableError))

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work as this process, and return when nothing of it runs any more."""
        of_others = asyncio.all_tasks()
        self._main = main = asyncio.create_task(work)
        await asyncio.wait({main}, timeout=_PATIENCE)
        assert main.done(), "the call of the use case does not end"
        if tasks := asyncio.all_tasks() - of_others:
            _, running = await asyncio.wait(tasks, timeout=_AT_ONCE)
            assert not running, "tasks go on though the call of the use case has ended"
        return main.result()

    async def carry_out(
        self, number: int, call: Callable[[], Awaitable[T]], unavailable: Unavailable
    ) -> T:
        self._require_alive(unavailable)
        await self._struck(number, Moment.BEFORE, unavailable)
        try:
            answer = await call()
        except UploadError:
            await self._struck(number, Moment.AFTER, unavailable)
            self._require_alive(unavailable)
            raise
        await self._struck(number, Moment.AFTER, unavailable)
        self._require_alive(unavailable)
        return answer

    def _require_alive(self, unavailable: Unavailable) -> None:
        if self._is_dead:
            raise unavailable()

    async def _struck(self, number: int, moment: Moment, unavailable: Unavailable) -> None:
        if self.strike is None or (number, moment) != (self.strike.number, self.strike.moment):
            return
        self.struck_at = self.sites[number]
        await self._fail(self.strike, unavailable)

    async def _fail(self, strike: Strike, unavailable: Unavailable) -> None:
        self._is_dead = strike.extent is Extent.DEATH
        if strike.manner is Manner.RAISED:
            raise unavailable()
        if self._main is not None:
            self._main.cancel()
        await asyncio.sleep(_PATIENCE / 2)
        raise AssertionError("a call of a port goes on though its caller was cancelled")


class _DyingPort:
    """A port as a process sees it that may die at any call of it."""

    def __init__(self, process: DyingProcess, port: object, unavailable: Unavailable) -> None:
        self._process, self._port, self._unavailable = process, port, unavailable

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._port, name)

        def called(*args: object, **options: object) -> Coroutine[Any, Any, Any]:
            number = len(self._process.sites)
            # Here, and not when it is awaited: gathered calls are made by their use case, too.
            self._process.sites.append(_site_of(sys._getframe(1)))  # noqa: SLF001
            return self._process.carry_out(
                number, lambda: method(*args, **options), self._unavailable
            )

        return called


def _site_of(frame: FrameType) -> Site:
    while frame.f_globals["__name__"] == SessionCache.__module__ and frame.f_back is not None:
        # It passes calls on: whoever awaits it makes them.
        frame = frame.f_back
    positions = islice(frame.f_code.co_positions(), frame.f_lasti // _CODE_UNIT, None)
    _, line, _, column = next(positions)
    return Site(frame.f_globals["__name__"], line or 0, column or 0)
