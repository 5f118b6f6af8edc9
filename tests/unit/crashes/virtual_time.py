"""An event loop with virtual time: while all tasks sleep, it jumps to the next wake-up."""

from __future__ import annotations

import asyncio
import selectors
from selectors import SelectorKey


class _VirtualSelector(selectors.DefaultSelector):
    """Adds the timeout to the virtual time instead of waiting."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None:
            msg = "deadlock: no task has a timer"
            raise RuntimeError(msg)
        self.passed += timeout
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Wakes sleeping tasks in the same order on every machine, however slow."""

    def __init__(self) -> None:
        self._virtual_selector = _VirtualSelector()
        super().__init__(self._virtual_selector)

    def time(self) -> float:
        return self._virtual_selector.passed
