"""When to try again, and how long to wait before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from .errors import UploadError

T = TypeVar("T")

MAX_RETRY_AFTER: Final = 600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Attempts of one request, and the delays in seconds between them, which double."""

    attempts: int = 8
    first_delay: float = 0.5
    max_delay: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    """Returns a number from 0 to 1, which spreads clients that failed together."""

    def delay(self, failures: int, retry_after: float | None) -> float:
        """Return the seconds to wait after this many failures.

        Never less than `retry_after`, up to ten minutes.
        """
        if retry_after is not None:
            return min(retry_after, MAX_RETRY_AFTER) + self.first_delay * self.jitter()
        longest = min(self.max_delay, self.first_delay * 2.0 ** (failures - 1))
        return longest * (1 + self.jitter()) / 2

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Call until it succeeds. Raise its error if that is permanent, or after all attempts."""
        failures = 0
        while True:
            try:
                return await attempt()
            except UploadError as exc:
                failures += 1
                if not exc.is_transient or failures >= self.attempts:
                    raise
                delay = self.delay(failures, exc.retry_after)
            await self.sleep(delay)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Read the header Retry-After: seconds, or a date. None if it is absent or unreadable."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
