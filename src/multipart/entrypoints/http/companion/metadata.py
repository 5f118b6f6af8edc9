"""Whatever a page keeps about a file, as an object can carry it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from ....domain.errors import InvalidFieldError
from ....domain.object_key import is_printable
from ....domain.validation import require_metadata

_LOOKED_AT: Final = 100
"""Entries: three times as many as an object can have, so that no request keeps us long."""


def kept_metadata(given: Iterable[tuple[str, object]]) -> Mapping[str, str]:
    """Keep, in the order given, what an object can carry, and drop the rest.

    An upload must not fail for what Uppy adds of itself, such as the path of a dropped folder.
    An entry is kept whole or not at all: half a value is a wrong one.
    """
    kept: dict[str, str] = {}
    for name, value in islice(given, _LOOKED_AT):
        if value is None:
            continue
        wanted = {**kept, name: _text(value)}
        try:
            require_metadata(wanted)
        except InvalidFieldError:
            continue
        kept = wanted
    return kept


def _text(value: object) -> str:
    """Write numbers, truth values and what is nested as JSON does, on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if is_printable(char) else " " for char in text)
