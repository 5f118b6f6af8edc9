"""How many parts a session has, kept beside them: counting costs the same at any number.

MongoDB counts by walking the index, which at 10,000 parts takes longer than recording one. A
counter would have to know whether a report was the first of its number; one bit a number need not,
and setting it again changes nothing, whoever repeats a report or a write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from bson import Int64
from pymongo import UpdateOne

from ...domain.model import Part

_SPAN: Final = 2000
"""Part numbers in one document: few enough that it stays small, many enough that six hold all."""
_WORD: Final = 60
"""Part numbers in one field, of MongoDB's 64 bits. One that is not there yet counts as 0."""

TALLIES: Final[Mapping[str, int]] = {"$lte": 0}
"""The numbers that the tallies of a session have where its parts have theirs."""
PARTS: Final[Mapping[str, int]] = {"$gt": 0}


def marks(upload_id: str, parts: Sequence[Part], life: timedelta) -> list[UpdateOne]:
    """Give the updates that note these parts as recorded; a tally lives as long as its last."""
    words: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for part in parts:
        word, bit = divmod(part.number % _SPAN, _WORD)
        words[part.number // _SPAN][f"bits.{word}"] |= 1 << bit
    kept = {"$max": {"retained_until": max(part.recorded_at for part in parts) + life}}
    return [
        UpdateOne(
            {"session_id": upload_id, "number": -tally},
            {"$bit": {field: {"or": Int64(bits)} for field, bits in fields.items()}, **kept},
            upsert=True,
        )
        for tally, fields in words.items()
    ]


def counted(tallies: Iterable[Mapping[str, Any]]) -> int:
    """Count the part numbers that all tallies of a session note."""
    return sum(word.bit_count() for tally in tallies for word in tally["bits"].values())
