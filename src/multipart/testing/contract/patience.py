"""Timing that holds on slow and busy machines: no promise is measured by the wall clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from ...domain.errors import UnavailableError

T = TypeVar("T")

PATIENCE_SECONDS: Final = 120.0
"""Timeout of the suites' own waits, not a promise of an adapter."""
PAUSE_SECONDS: Final = 0.05


async def repeat_while_unavailable(call: Callable[[], Awaitable[T]]) -> T:
    """Retry while the server is too slow for the adapter's deadline."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except UnavailableError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE_SECONDS)


@dataclass(slots=True)
class LoopTime:
    """Seconds during which the event loop was running; it stops while the process gets no CPU.

    A deadline met by the wall clock on an idle machine is met by this clock on every machine.
    """

    seconds: float = 0.0

    async def run(self) -> None:
        """Count short sleeps by their nominal length, however long each takes."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            self.seconds += PAUSE_SECONDS


@asynccontextmanager
async def measure_loop_time() -> AsyncIterator[LoopTime]:
    """Measure loop time while the block runs."""
    clock = LoopTime()
    counting = asyncio.create_task(clock.run())
    try:
        yield clock
    finally:
        counting.cancel()
        with suppress(asyncio.CancelledError):
            await counting
