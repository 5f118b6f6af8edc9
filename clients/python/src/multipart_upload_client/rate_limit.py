"""A limit on the bandwidth of all uploads of a client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from .plan import MIB

_MIN_PIECE: Final = 16 * 1024


@dataclass(slots=True)
class RateLimit:
    """Spaces pieces so that together they stay under a number of bytes per second."""

    bytes_per_second: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _free_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if self.bytes_per_second is not None and self.bytes_per_second <= 0:
            msg = "the rate limit must be over 0 bytes per second"
            raise ValueError(msg)

    @property
    def piece_size(self) -> int:
        """The bytes to send at a time: a tenth of a second's worth, and at most 1 MiB."""
        if self.bytes_per_second is None:
            return MIB
        return min(MIB, max(_MIN_PIECE, int(self.bytes_per_second / 10)))

    async def wait(self, size: int) -> None:
        """Wait until these bytes may be sent."""
        if self.bytes_per_second is None:
            return
        now = self.clock()
        starts_at = max(self._free_at, now)
        self._free_at = starts_at + size / self.bytes_per_second
        await self.sleep(starts_at - now)
