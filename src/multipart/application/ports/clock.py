"""The port for the time of this process."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The clock of this process; SessionRepository.now is the clock that all processes share."""

    def now(self) -> datetime:
        """Return the time in UTC, to the millisecond: MongoDB stores no more."""
        ...
