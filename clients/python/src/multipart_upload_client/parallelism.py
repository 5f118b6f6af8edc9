"""How many parts are sent at once, over all uploads of a client."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

_FIRST: Final = 4


class Slots:
    """One slot per part in flight, granted in order of request.

    The number adapts as TCP's window does: one more slot each time that all of them have sent a
    part, up to `most`; half of them after a failed one.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            msg = "at least one part must be sent at a time"
            raise ValueError(msg)
        self.most, self.limit = most, min(_FIRST, most)
        self.taken = 0
        self._sent_since_change = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a slot, which the caller must release."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # granted at the same moment
                self.release()
            raise

    def release(self) -> None:
        self.taken -= 1
        self._grant()

    def grow(self) -> None:
        """Count a part that the store has acknowledged."""
        self._sent_since_change += 1
        if self._sent_since_change >= self.limit:
            self._set_limit(min(self.most, self.limit + 1))

    def shrink(self) -> None:
        """Halve the slots: the store or the network is overloaded."""
        self._set_limit(max(1, self.limit // 2))

    def _set_limit(self, limit: int) -> None:
        self.limit, self._sent_since_change = limit, 0
        self._grant()

    def _grant(self) -> None:
        while self._waiting and self.taken < self.limit:
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self.taken += 1
                turn.set_result(None)
