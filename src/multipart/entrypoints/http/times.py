"""Times that clients send: RFC 3339 texts, in years that every database stores."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from ...domain.errors import InvalidFieldError
from .patterns import TIME_PATTERN, TIME_RULE

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(3000, 1, 1, tzinfo=UTC)


def is_in_range(time: datetime) -> bool:
    """Tell whether the service takes a time."""
    return _FIRST <= time < _LAST


def parse_time(field: str, text: str | None) -> datetime | None:
    """Return a time in UTC. Raise InvalidFieldError for another form or a time out of range."""
    if text is None:
        return None
    try:
        # Python's own parser takes other forms of ISO 8601 as well.
        time = datetime.fromisoformat(text.upper()) if re.search(TIME_PATTERN, text) else None
    except ValueError:
        time = None
    if time is None or not is_in_range(time):
        raise InvalidFieldError(field, TIME_RULE)
    return time.astimezone(UTC)
