"""Port: counts what callers use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ...domain.rate_limit import RateLimit, RateUsage


class RateLimiter(Protocol):
    """Counts the units that each caller uses, over all processes that share the counts."""

    async def spend(
        self, costs: Mapping[RateLimit, int], callers: Sequence[str]
    ) -> Sequence[RateUsage]:
        """Count what a request costs for each of its callers, such as its user and its address.

        No caller ever gets more than the limit, however many requests race. Return the usage of
        each limit by the caller with the least remaining; nothing while counts are unavailable.

        Raise RateLimitedError if a caller does not have enough left. Then nothing is counted,
        except by a request that loses a race for the last units.
        """
        ...
