"""An event loop in which nobody waits: when all sleep, its time jumps to the next to wake."""

from __future__ import annotations

import asyncio
import selectors
from selectors import SelectorKey


class _Jumping(selectors.DefaultSelector):
    """Lets the time pass instead of waiting for it."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None:
            msg = "every task waits for another"
            raise RuntimeError(msg)
        self.passed += timeout
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs what sleeps in the same order on every machine, however slow."""

    def __init__(self) -> None:
        self._selector_of_time = _Jumping()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        return self._selector_of_time.passed
