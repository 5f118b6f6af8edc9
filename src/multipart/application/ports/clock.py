"""The port for the time of this process."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time in UTC, to the millisecond: MongoDB stores no more."""
        ...
