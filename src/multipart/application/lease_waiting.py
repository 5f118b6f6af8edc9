"""Wait for a session that somebody else has for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic
from typing import Final, TypeVar

from ..domain.errors import LeaseHeldError, StaleSessionError

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.5
_STALE_ATTEMPTS: Final = 5


async def retry_while_leased(attempt: Callable[[], Awaitable[T]], wait: timedelta) -> T:
    """Make attempts, each looking at the session anew, until nobody else is at it.

    Raise LeaseHeldError when another caller still has the session after `wait`, and
    StaleSessionError when others come first again and again.
    """
    give_up = monotonic() + wait.total_seconds()
    pause, stale = _FIRST_PAUSE, 0
    while True:
        try:
            return await attempt()
        except StaleSessionError:
            stale += 1
            if stale == _STALE_ATTEMPTS:
                raise
        except LeaseHeldError:
            if monotonic() + pause > give_up:
                raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
