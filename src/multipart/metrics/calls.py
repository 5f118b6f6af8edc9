"""Measure calls of a port."""

from __future__ import annotations

import asyncio
from time import perf_counter
from types import TracebackType
from typing import Final

from ..domain.errors import UploadError
from .collected import Metrics

_OK: Final = "ok"


class Calls:
    """Measures the calls of one port: `with calls.measure("get"): ...`."""

    def __init__(self, metrics: Metrics, port: str) -> None:
        self._seconds = metrics.port_call_seconds
        self._port = port

    def measure(self, operation: str) -> Call:
        """Return the context manager around one call."""
        return Call(self, operation)

    def note(self, operation: str, outcome: str, seconds: float) -> None:
        """Count one call."""
        self._seconds.labels(self._port, operation, outcome).observe(seconds)


class Call:
    """Counts one call with its duration and outcome: `ok` or the kind of error."""

    __slots__ = ("_began", "_calls", "_operation")

    def __init__(self, calls: Calls, operation: str) -> None:
        self._calls, self._operation = calls, operation
        self._began = perf_counter()

    def __enter__(self) -> None:
        """Measure from here, where the call was made."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = perf_counter() - self._began
        self._calls.note(self._operation, _OK if error is None else _name_error(error), seconds)


def _name_error(error: BaseException) -> str:
    if isinstance(error, UploadError):
        return error.code
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "error"
