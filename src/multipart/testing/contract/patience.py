"""What lets the suites pass on a slow or busy machine: no promise is measured by the wall clock."""

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
"""Ends a wait for what will never come; it is no promise of an adapter."""
PAUSE_SECONDS: Final = 0.05


async def repeat_while_unavailable(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call, as a client does, whose server is too slow for the adapter's deadline."""
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
    """Seconds that the event loop was free to run: it stands still when it gets no processor.

    A deadline that holds by the wall clock on an idle machine holds by this one on every machine.
    """

    seconds: float = 0.0

    async def run(self) -> None:
        """Count short sleeps, however long each of them takes."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            self.seconds += PAUSE_SECONDS


@asynccontextmanager
async def counting_loop_time() -> AsyncIterator[LoopTime]:
    """Count while the block runs."""
    clock = LoopTime()
    counting = asyncio.create_task(clock.run())
    try:
        yield clock
    finally:
        counting.cancel()
        with suppress(asyncio.CancelledError):
            await counting
