"""Sliding windows: what remains of a rate limit, and when there will be more."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .rate_limit import RateLimit, RateUsage


@dataclass(frozen=True, slots=True)
class RateWindow:
    """The units used in the current window of a limit, and in the one before.

    Those of the window before count for less and less: in proportion to the seconds left of the
    current one.
    """

    limit: RateLimit
    previous: int
    current: int
    seconds_left: float

    @property
    def remaining(self) -> int:
        """How many units may be used now."""
        before = math.floor(self.previous * self.seconds_left / self.limit.seconds)
        return max(0, self.limit.amount - self.current - before)

    def spend(self, units: int) -> RateWindow:
        """Return the window after more units were used."""
        return replace(self, current=self.current + units)

    def wait_for(self, units: int) -> int:
        """Return the whole seconds until so many units may be used, 0 if they may now.

        `units` is at most the amount of the limit.
        """
        if units <= self.remaining:
            return 0
        # Units used before may count for less than this.
        bound = self.limit.amount - units + 1
        if self.current < bound:
            wait = self.seconds_left - self._seconds_to_count(bound - self.current, self.previous)
        else:  # not before the current window has become the one before
            whole = self.limit.seconds - self._seconds_to_count(bound, self.current)
            wait = self.seconds_left + whole
        return math.floor(wait) + 1

    def usage(self) -> RateUsage:
        """Return what remains, and the seconds until more does."""
        remaining = self.remaining
        wait = self.wait_for(min(remaining + 1, self.limit.amount))
        return RateUsage(self.limit, remaining, wait)

    def _seconds_to_count(self, counted: int, used: int) -> float:
        """Return the seconds left of a window when the units used before it count for so many."""
        return counted * self.limit.seconds / used
