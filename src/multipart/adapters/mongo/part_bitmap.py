"""The part bitmap: which parts of a session are recorded, and whether it accepts reports.

One document per session, in the collection of its parts, so that one command can check the session,
set bits and store parts. docs/adr/0006-recording-a-part.md says why it is not in the session.

- `bits` and `filled` count the parts. To count part documents takes longer than to record one, and
  a counter would have to know whether a report is the first of its number. Setting a bit twice
  changes nothing. Parts come more or less in order, so full words at the start are replaced by
  their number.
- `store_upload_id` is the store upload whose parts may be reported, None for none. `version` is
  that of the session it was copied from: after every save the repository copies it, and an older
  version never replaces a newer one. A report for another store upload matches no document, tries
  to insert one, and fails with a duplicate key. Where there is no bitmap yet, the report makes it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bson import Int64
from pymongo import UpdateOne

from ...domain.part import Part
from ...domain.session import UploadSession
from .part_ids import BITMAP_NUMBER, document_filter

_WORD: Final = 60
"""Part numbers in one word; MongoDB's integers have 64 bits. A missing word counts as 0."""
_FULL: Final = (1 << _WORD) - 1
_MAX_FULL_WORDS: Final = 8
"""Full words at the start that are kept: to remove them is a write."""

COUNT_FIELDS: Final = ("bits", "filled")
"""`bits` has words by their place; the first `filled` words are full, whatever `bits` has there."""


def bitmap_filter(upload_id: str) -> dict[str, Any]:
    """Return the filter for a session's bitmap."""
    return document_filter(upload_id, BITMAP_NUMBER)


def open_bitmap_filter(session: UploadSession) -> dict[str, Any]:
    """Return the filter for the bitmap while it accepts reports for the session's store upload."""
    return bitmap_filter(session.id) | {"store_upload_id": session.store_upload_id}


def set_bits(upload_id: str, parts: Sequence[Part]) -> UpdateOne:
    """Return the update that marks parts as recorded."""
    return UpdateOne(bitmap_filter(upload_id), _or_bits(parts), upsert=True)


def set_bits_if_open(session: UploadSession, parts: Sequence[Part]) -> UpdateOne:
    """Return the same; it fails with a duplicate key if the bitmap does not accept reports."""
    return UpdateOne(open_bitmap_filter(session), _or_bits(parts), upsert=True)


def copy_state(session: UploadSession) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return filter and update, for an upsert, that copy the stored session to its bitmap.

    A duplicate key means that the bitmap has a later version, or that another caller made it at the
    same time.
    """
    return (
        bitmap_filter(session.id) | {"version": {"$not": {"$gte": session.version}}},
        {
            "$set": {
                "store_upload_id": session.recordable_store_upload_id,
                "version": session.version,
            }
        },
    )


def count_parts(bitmap: Mapping[str, Any] | None) -> int:
    """Return how many part numbers a bitmap has."""
    words, filled = _read_words(bitmap)
    return filled * _WORD + sum(bits.bit_count() for place, bits in words if place >= filled)


def remove_full_words(bitmap: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the update that removes full words at the start, None while there are few.

    The update may come late: a full word stays full until all parts are forgotten.
    """
    words, filled = _read_words(bitmap)
    full = {place for place, bits in words if bits == _FULL}
    while filled in full:
        filled += 1
    superfluous = [place for place, _ in words if place < filled]
    if len(superfluous) < _MAX_FULL_WORDS:
        return None
    return {
        "$max": {"filled": filled},
        "$unset": {f"bits.{place}": True for place in superfluous},
    }


def clear_bits() -> dict[str, Any]:
    """Return the update that removes all parts from a bitmap."""
    return {"$unset": dict.fromkeys(COUNT_FIELDS, True)}


def _read_words(bitmap: Mapping[str, Any] | None) -> tuple[list[tuple[int, int]], int]:
    bitmap = bitmap or {}
    words = [(int(place), bits) for place, bits in bitmap.get("bits", {}).items()]
    return words, bitmap.get("filled", 0)


def _or_bits(parts: Sequence[Part]) -> dict[str, Any]:
    words: defaultdict[str, int] = defaultdict(int)
    for part in parts:
        word, bit = divmod(part.number - 1, _WORD)
        words[f"bits.{word}"] |= 1 << bit
    return {"$bit": {field: {"or": Int64(bits)} for field, bits in words.items()}}
