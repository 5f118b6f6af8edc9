"""How tests wait: for events, with timeouts for a slow machine. No test asserts on wall time."""

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
    """Poll until the function returns something true, and return that."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
        time.sleep(PAUSE_SECONDS)
    return found
