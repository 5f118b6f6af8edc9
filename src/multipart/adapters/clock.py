"""The machine's own clock."""

from datetime import UTC, datetime
from time import time_ns


class SystemClock:
    """The machine's clock; see the port Clock."""

    def now(self) -> datetime:
        """Return the time in UTC, to the millisecond."""
        return datetime.fromtimestamp(time_ns() // 1_000_000 / 1000, UTC)
