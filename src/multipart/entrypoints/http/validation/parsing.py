"""Parse fields that arrive as text, and report every wrong one, not only the first."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, ParamSpec, TypeVar

from ....domain.errors import FieldError, InvalidFieldError, InvalidFieldsError
from .limits import TIME_PATTERN, TIME_RULE

P = ParamSpec("P")
T = TypeVar("T")

# Years that every database stores.
_FIRST_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END_OF_TIMES: Final = datetime(3000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class FieldParser:
    """Parses fields one after another and collects their errors."""

    errors: list[FieldError] = field(default_factory=list)

    def parse(self, parse: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what `parse` returns, None when it raises InvalidFieldError."""
        try:
            return parse(*args, **kwargs)
        except InvalidFieldError as exc:
            self.errors += exc.wrong
            return None

    def raise_errors(self) -> None:
        """Raise InvalidFieldsError unless every field was right."""
        if self.errors:
            raise InvalidFieldsError(self.errors)


def is_supported_time(time: datetime) -> bool:
    """Return whether a time is within the years that the service accepts."""
    return _FIRST_TIME <= time < _END_OF_TIMES


def parse_time(field: str, text: str | None) -> datetime | None:
    """Return a time in UTC. Raise InvalidFieldError for another form or a time out of range."""
    if text is None:
        return None
    try:
        # Python's own parser accepts other forms of ISO 8601 as well.
        time = datetime.fromisoformat(text.upper()) if re.search(TIME_PATTERN, text) else None
    except ValueError:
        time = None
    if time is None or not is_supported_time(time):
        raise InvalidFieldError(field, TIME_RULE)
    return time.astimezone(UTC)
