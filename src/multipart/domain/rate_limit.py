"""Rate limits: how much of something a caller may use within a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LIMIT: Final = re.compile(
    r"([1-9][0-9]{0,8})\s*(?:/|\bper\b)\s*([1-9][0-9]{0,3})?\s*(second|minute|hour|day)s?",
    re.IGNORECASE,
)
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


class Unit(StrEnum):
    """What a rate limit counts."""

    STARTS = "starts"
    URLS = "urls"
    """Signed URLs and forms."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `amount` units within `seconds`."""

    unit: Unit
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class RateUsage:
    """How many units remain for a caller, and the seconds until there are more."""

    limit: RateLimit
    remaining: int
    reset_seconds: int


def parse_rate_limit(unit: Unit, text: str) -> RateLimit:
    """Parse a limit such as `100/minute` or `5000 per 2 hours`. Raise ValueError."""
    found = _LIMIT.fullmatch(text.strip())
    if found is None:
        msg = "must be a limit such as 100/minute or 5000 per 2 hours"
        raise ValueError(msg)
    amount, multiple, period = found.groups()
    return RateLimit(unit, int(amount), int(multiple or 1) * _SECONDS[period.lower()])
