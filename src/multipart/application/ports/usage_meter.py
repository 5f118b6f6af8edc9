"""Port: counts what one caller uses, against its rate limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ...domain.rate_limit import Unit


class UsageMeter(Protocol):
    """Knows for whom a request counts; a use case says what it uses."""

    def limit_of(self, unit: Unit) -> int | None:
        """Return how many units may ever be used at once; None without a limit."""
        ...

    async def count(self, costs: Mapping[Unit, int]) -> None:
        """Count units that are about to be used. Raise RateLimitedError, having counted none."""
        ...
