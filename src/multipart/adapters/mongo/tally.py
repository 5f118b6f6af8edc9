"""How many parts a session has and whether it takes more, in one document beside them.

MongoDB counts by walking the index, which at 10,000 parts takes longer than recording one. A
counter would have to know whether a report was the first of its number; one bit a number need not,
and setting it again changes nothing, whoever repeats a report or a write.

The same document says for which store upload reports are taken, None for none. It follows the
session: whoever saves that writes here next, and of two the later version stays. A report that does
not match finds the place of the document taken, and fails before it has written anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bson import Int64
from pymongo import UpdateOne

from ...domain.model import Part, UploadSession
from .slots import TALLY, slot

_WORD: Final = 60
"""Part numbers in one field, of MongoDB's 64 bits. One that is not there yet counts as 0."""


def tally_of(upload_id: str) -> dict[str, Any]:
    """Give the filter that finds a session's tally."""
    return slot(upload_id, TALLY)


def mark(upload_id: str, parts: Sequence[Part], life: timedelta) -> UpdateOne:
    """Give the update that notes these parts as recorded; a tally lives as long as its last."""
    return UpdateOne(tally_of(upload_id), _marked(parts, life), upsert=True)


def mark_if_open(session: UploadSession, parts: Sequence[Part], life: timedelta) -> UpdateOne:
    """Give the same, which fails with a duplicate key unless reports are taken."""
    taking = tally_of(session.id) | {"store_upload_id": session.store_upload_id}
    return UpdateOne(taking, _marked(parts, life), upsert=True)


def followed(session: UploadSession, life: timedelta) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give filter and update, to upsert, that make the tally follow the session as stored.

    A duplicate key means that it follows a later version already, or that it was made just now.
    """
    is_open = session.state.is_open
    return (
        tally_of(session.id) | {"version": {"$not": {"$gte": session.version}}},
        {
            "$set": {
                "store_upload_id": session.store_upload_id if is_open else None,
                "version": session.version,
            },
            "$max": {"retained_until": session.active_at + life},
        },
    )


def counted(tally: Mapping[str, Any] | None) -> int:
    """Count the part numbers that a tally notes."""
    return sum(word.bit_count() for word in (tally or {}).get("bits", {}).values())


def _marked(parts: Sequence[Part], life: timedelta) -> dict[str, Any]:
    words: defaultdict[str, int] = defaultdict(int)
    for part in parts:
        word, bit = divmod(part.number, _WORD)
        words[f"bits.{word}"] |= 1 << bit
    latest: datetime = max(part.recorded_at for part in parts)
    return {
        "$bit": {field: {"or": Int64(bits)} for field, bits in words.items()},
        "$max": {"retained_until": latest + life},
    }
