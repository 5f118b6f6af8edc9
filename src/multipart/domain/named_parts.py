"""The list of parts that a client may send with a complete, as Companion's clients do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import PartsMissingError, PartsUnnamedError
from .part import bare_etag
from .session import SessionState


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A part on the client's list; the ETag may be quoted or bare."""

    number: int
    etag: str


def require_named(
    state: SessionState, named: Sequence[NamedPart], etags: Mapping[int, str]
) -> None:
    """Require that `etags`, the bare ETags by part number, are exactly the named parts.

    The order does not matter. Raise PartsMissingError for named parts that are missing or have
    another ETag, and PartsUnnamedError for parts that are not named.
    """
    numbers = {part.number for part in named}
    missing = sorted(numbers - etags.keys())
    mismatched = sorted(
        {part.number for part in named if etags.get(part.number) != bare_etag(part.etag)}
        - set(missing)
    )
    if missing or mismatched:
        raise PartsMissingError(state, missing, mismatched)
    if unnamed := sorted(etags.keys() - numbers):
        raise PartsUnnamedError(state, unnamed)
