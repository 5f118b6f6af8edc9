"""Rate limits of one process, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from limits.aio.storage import MemoryStorage

from ...application.ports import RateLimiter
from .limiter import SlidingWindowLimiter

_PURGE_SECONDS: Final = 60.0
_KEYS_AT_ONCE: Final = 1000


@asynccontextmanager
async def open_memory_limiter() -> AsyncIterator[RateLimiter]:
    """Count in this process only; counts are lost when it ends."""
    storage = MemoryStorage()
    # While this task runs, limits starts none of its own, which would look through all counts at
    # every hit (MemoryStorage.__schedule_expiry, 5.8).
    storage.timer = asyncio.create_task(_purge(storage))
    try:
        yield SlidingWindowLimiter(storage)
    finally:
        storage.timer.cancel()


async def _purge(storage: MemoryStorage) -> None:
    """Remove counts that have expired, a few at a time."""
    while True:
        await asyncio.sleep(_PURGE_SECONDS)
        for number, key in enumerate([*storage.expirations]):
            await storage.get(key)  # removes it if it has expired
            if number % _KEYS_AT_ONCE == 0:
                await asyncio.sleep(0)
