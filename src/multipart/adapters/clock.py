"""The machine's own clock."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the machine's time in UTC, to the millisecond."""

    def now(self) -> datetime:
        """Give the time in UTC, to the millisecond."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
