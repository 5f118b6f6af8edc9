"""Write parts and their bitmap in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from ...domain.part import Part
from .documents import part_upsert
from .retries import resend_once

_CHUNK: Final = 250
"""Parts in one command: the time limit is for one command, and any number of parts may come."""
_DUPLICATE_KEY: Final = 11000


def split_parts(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """Split parts into chunks for one command each, by number, the last report of each number.

    The order matters to a server that locks what a command has written, as FerretDB does: two
    batches in different orders would wait for each other.
    """
    last = {part.number: part for part in parts}
    ordered = [last[number] for number in sorted(last)]
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))


def part_upserts(upload_id: str, parts: Sequence[Part]) -> list[UpdateOne]:
    """Return the updates that store parts."""
    return [part_upsert(upload_id, part) for part in parts]


async def apply_writes(
    collection: AsyncCollection[dict[str, Any]], writes: Sequence[UpdateOne]
) -> int:
    """Apply writes in order, and return how many were applied before a duplicate key."""
    try:
        await resend_once(lambda: collection.bulk_write(writes))
    except BulkWriteError as exc:
        errors = exc.details["writeErrors"]
        duplicates = [error["index"] for error in errors if error["code"] == _DUPLICATE_KEY]
        if not duplicates or exc.details["writeConcernErrors"]:
            raise
        return int(duplicates[0])
    return len(writes)
