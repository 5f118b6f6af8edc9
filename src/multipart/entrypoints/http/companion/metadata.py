"""Convert the metadata of a page into user metadata of an object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from ....domain.checksum import CHECKSUM_FIELD, CHECKSUM_PATTERN, CHECKSUM_RULE
from ....domain.errors import InvalidFieldError
from ....domain.object_key import is_printable
from ....domain.validation import require_metadata

# No file has more bytes than 18 digits can count.
_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_CHECKSUM: Final = f"metadata.{CHECKSUM_FIELD}"
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


def read_size(given: Mapping[str, object]) -> int | None:
    """Return the size of the file that the entry `size` declares, as a number or as text.

    None if there is none, or if it is anything but a whole number of bytes: another page may mean
    something else by it.
    """
    size = given.get("size")
    if isinstance(size, bool) or not isinstance(size, int | str):
        return None
    return int(size) if _WHOLE_NUMBER.fullmatch(str(size)) else None


def read_checksum(given: Mapping[str, object]) -> str | None:
    """Return the CRC-64/NVME of the file that the entry `checksum_crc64nvme` declares.

    None if there is none. Raise InvalidFieldError if it is none: an upload whose client wants a
    proof must not go on without.
    """
    checksum = given.get(CHECKSUM_FIELD)
    if checksum is None:
        return None
    if not isinstance(checksum, str) or not re.fullmatch(CHECKSUM_PATTERN, checksum):
        raise InvalidFieldError(_CHECKSUM, CHECKSUM_RULE)
    return checksum


def _text(value: object) -> str:
    """Return text unchanged and other values as JSON, on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if is_printable(char) else " " for char in text)
