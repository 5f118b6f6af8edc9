"""Convert the metadata of a page into user metadata of an object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from ....domain.errors import InvalidFieldError
from ....domain.object_key import is_printable
from ....domain.validation import require_metadata

_MAX_ENTRIES: Final = 100
"""Entries that are considered, three times as many as an object can have."""


def select_metadata(given: Iterable[tuple[str, object]]) -> Mapping[str, str]:
    """Keep, in the given order, the entries that an object can have, and drop the others.

    An upload must not fail because of entries that Uppy adds, such as the path of a dropped folder.
    An entry is kept whole or not at all: a truncated value would be wrong.
    """
    kept: dict[str, str] = {}
    for name, value in islice(given, _MAX_ENTRIES):
        if value is None:
            continue
        candidate = {**kept, name: _text(value)}
        try:
            require_metadata(candidate)
        except InvalidFieldError:
            continue
        kept = candidate
    return kept


def _text(value: object) -> str:
    """Return text unchanged and other values as JSON, on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if is_printable(char) else " " for char in text)
