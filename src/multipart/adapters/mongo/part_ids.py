"""Composite ids in the collection of parts: the session's id and a number.

The index of `_id` makes (session, number) unique and keeps a session's parts next to each other, in
order. A separate index would take a fifth of every write.
"""

from __future__ import annotations

from typing import Any, Final

BITMAP_NUMBER: Final = 0
"""The number in the id of a session's part bitmap; parts have 1 to 10,000."""
_LAST: Final = 99_999


def document_filter(upload_id: str, number: int) -> dict[str, Any]:
    """Return the filter for one document; `session_id` is the shard key."""
    return {"_id": _id(upload_id, number), "session_id": upload_id}


def parts_filter(upload_id: str) -> dict[str, Any]:
    """Return the filter for all parts."""
    return _range(upload_id, "$gt")


def all_filter(upload_id: str) -> dict[str, Any]:
    """Return the filter for all parts and the bitmap."""
    return _range(upload_id, "$gte")


def _range(upload_id: str, lower_bound: str) -> dict[str, Any]:
    numbers = {lower_bound: _id(upload_id, BITMAP_NUMBER), "$lte": _id(upload_id, _LAST)}
    return {"_id": numbers, "session_id": upload_id}


def _id(upload_id: str, number: int) -> str:
    return f"{upload_id}/{number:05d}"
