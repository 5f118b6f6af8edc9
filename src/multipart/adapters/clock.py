"""The machine's own clock."""

from datetime import UTC, datetime
from time import time_ns


class SystemClock:
    """Tells the machine's time in UTC, to the millisecond."""

    def now(self) -> datetime:
        """Give the time in UTC, to the millisecond."""
        return datetime.fromtimestamp(time_ns() // 1_000_000 / 1000, UTC)
