"""Where the parts of a session lie: side by side and by number, in the index of `_id`.

So (session, number) is unique without an index of its own, whose upkeep is a fifth of a write.
"""

from __future__ import annotations

from typing import Any, Final

TALLY: Final = 0
"""The number that the tally has where the parts have theirs."""
_LAST: Final = 99_999


def slot(upload_id: str, number: int) -> dict[str, Any]:
    """Give the filter for one document; in a sharded cluster `session_id` tells the shard."""
    return {"_id": _id(upload_id, number), "session_id": upload_id}


def part_slots(upload_id: str) -> dict[str, Any]:
    """Give the filter for all parts."""
    return _range(upload_id, "$gt")


def all_slots(upload_id: str) -> dict[str, Any]:
    """Give the filter for all parts and the tally."""
    return _range(upload_id, "$gte")


def _range(upload_id: str, after: str) -> dict[str, Any]:
    numbers = {after: _id(upload_id, TALLY), "$lte": _id(upload_id, _LAST)}
    return {"_id": numbers, "session_id": upload_id}


def _id(upload_id: str, number: int) -> str:
    return f"{upload_id}/{number:05d}"
