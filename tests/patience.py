"""How tests wait: for events, and long enough for a slow machine. None asserts on wall time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from multipart_upload.testing.contract.patience import (
    PATIENCE_SECONDS,
    PAUSE_SECONDS,
    measure_loop_time,
    repeat_while_unavailable,
)

__all__ = [
    "PATIENCE_SECONDS",
    "PAUSE_SECONDS",
    "measure_loop_time",
    "repeat_while_unavailable",
    "wait_until",
]

T = TypeVar("T")


def wait_until(find: Callable[[], T | None], what: str) -> T:
    """Wait until a condition holds, or something is found, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(PAUSE_SECONDS)
    return found
