"""Read several fields and report all that are wrong, not only the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from ...domain.errors import FieldError, InvalidFieldError, InvalidFieldsError

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class FieldReading:
    """The errors of the fields that were read so far."""

    wrong: list[FieldError] = field(default_factory=list)

    def of(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what `read` returns, None when it raises InvalidFieldError."""
        try:
            return read(*args, **kwargs)
        except InvalidFieldError as exc:
            self.wrong += exc.wrong
            return None

    def require_all(self) -> None:
        """Raise InvalidFieldsError unless every field was right."""
        if self.wrong:
            raise InvalidFieldsError(self.wrong)
