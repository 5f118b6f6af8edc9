"""How many parts a session has and whether it takes more, in one document beside them.

MongoDB counts by walking the index, which at 10,000 parts takes longer than recording one. A
counter would have to know whether a report was the first of its number; one bit a number need not,
and setting it again changes nothing, whoever repeats a report or a write. Parts come more or less
in order: of those that are there from the first on, no bits are kept but how many words they fill.

The same document says for which store upload reports are taken, None for none. It follows the
session: whoever saves that writes here next, and of two the later version stays. A report that does
not match finds the place of the document taken, and fails before it has written anything. Where
there is no tally yet a report makes it: whoever opened the session has died before he could.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bson import Int64
from pymongo import UpdateOne

from ...domain.part import Part
from ...domain.session import UploadSession
from .slots import TALLY, slot

_WORD: Final = 60
"""Part numbers in one field, of MongoDB's 64 bits. One that is not there yet counts as 0."""
_FULL: Final = (1 << _WORD) - 1
_MOST_FULL: Final = 8
"""Full words that are left in the way: to take them out is a write."""

COUNTED: Final = ("bits", "filled")
"""The fields that the count is made of: the words by their place, and how many of the first are
full, whatever is left in their places."""


def tally_of(upload_id: str) -> dict[str, Any]:
    """Give the filter that finds a session's tally."""
    return slot(upload_id, TALLY)


def open_tally_of(session: UploadSession) -> dict[str, Any]:
    """Give the filter that finds it only where reports are taken for the session's store upload."""
    return tally_of(session.id) | {"store_upload_id": session.store_upload_id}


def mark(upload_id: str, parts: Sequence[Part]) -> UpdateOne:
    """Give the update that notes these parts as recorded."""
    return UpdateOne(tally_of(upload_id), _marked(parts), upsert=True)


def mark_if_open(session: UploadSession, parts: Sequence[Part]) -> UpdateOne:
    """Give the same, which fails with a duplicate key where a tally says that none are taken."""
    return UpdateOne(open_tally_of(session), _marked(parts), upsert=True)


def followed(session: UploadSession) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give filter and update, to upsert, that make the tally follow the session as stored.

    A duplicate key means that it follows a later version already, or that it was made just now.
    """
    return (
        tally_of(session.id) | {"version": {"$not": {"$gte": session.version}}},
        {
            "$set": {
                "store_upload_id": session.recordable_store_upload_id,
                "version": session.version,
            }
        },
    )


def counted(tally: Mapping[str, Any] | None) -> int:
    """Count the part numbers that a tally notes."""
    words, filled = _words(tally)
    return filled * _WORD + sum(bits.bit_count() for place, bits in words if place >= filled)


def shortened(tally: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Give the update that takes out full words, None while it is not worth a write.

    Whatever has been noted since then, a full word is so still, until all is forgotten.
    """
    words, filled = _words(tally)
    full = {place for place, bits in words if bits == _FULL}
    while filled in full:
        filled += 1
    superfluous = [place for place, _ in words if place < filled]
    if len(superfluous) < _MOST_FULL:
        return None
    return {
        "$max": {"filled": filled},
        "$unset": {f"bits.{place}": True for place in superfluous},
    }


def forgotten() -> dict[str, Any]:
    """Give the update that takes all parts out of a tally."""
    return {"$unset": dict.fromkeys(COUNTED, True)}


def _words(tally: Mapping[str, Any] | None) -> tuple[list[tuple[int, int]], int]:
    tally = tally or {}
    words = [(int(place), bits) for place, bits in tally.get("bits", {}).items()]
    return words, tally.get("filled", 0)


def _marked(parts: Sequence[Part]) -> dict[str, Any]:
    words: defaultdict[str, int] = defaultdict(int)
    for part in parts:
        word, bit = divmod(part.number - 1, _WORD)
        words[f"bits.{word}"] |= 1 << bit
    return {"$bit": {field: {"or": Int64(bits)} for field, bits in words.items()}}
