"""The port behind which the time is kept."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give the time in UTC, to the millisecond: MongoDB keeps no more."""
        ...
