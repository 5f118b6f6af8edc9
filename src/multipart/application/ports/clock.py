"""The port for the time of this process."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time of this process; for what all processes share, SessionRepository.now."""

    def now(self) -> datetime:
        """Return the time in UTC, to the millisecond: MongoDB stores no more."""
        ...
