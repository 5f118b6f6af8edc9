"""The domain's queries as MongoDB's filters."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING

from ...application.ports import SessionQuery

NEWEST_FIRST: Final = (("created_at", DESCENDING), ("_id", DESCENDING))
LONGEST_DUE_FIRST: Final = (("due_at", ASCENDING), ("_id", ASCENDING))
BEING_REMOVED: Final = "is_being_removed"
"""The field of a session past its retention, whose parts are being removed: it is not read."""
NOT_BEING_REMOVED: Final[dict[str, Any]] = {BEING_REMOVED: None}
_MILLISECOND: Final = timedelta(milliseconds=1)


def matching(query: SessionQuery) -> dict[str, Any]:
    """Write a query as a filter."""
    found: dict[str, Any] = {"user_id": query.user_id, **NOT_BEING_REMOVED}
    if query.states:
        found["state"] = {"$in": sorted(query.states)}
    if query.after is not None:
        created_at, upload_id = query.after
        found["$or"] = [
            {"created_at": {"$lt": created_at}},
            {"created_at": created_at, "_id": {"$lt": upload_id}},
        ]
    if created := _created(query):
        found["created_at"] = created
    return found


def due_before(before: datetime, after: tuple[datetime, str] | None) -> dict[str, Any]:
    """Write as a filter what is due, behind a place in that order."""
    if after is None:
        return {"due_at": {"$lt": before}}
    due_at, upload_id = after
    return {
        # $or says it, too, but only this tells the index where to start.
        "due_at": {"$gte": due_at, "$lt": before},
        "$or": [{"due_at": {"$gt": due_at}}, {"due_at": due_at, "_id": {"$gt": upload_id}}],
    }


def _created(query: SessionQuery) -> dict[str, Any]:
    ends = [] if query.created_before is None else [query.created_before]
    if query.after is not None:
        # $or says it, too, but only this tells the index where to start. MongoDB keeps
        # milliseconds: before the next one is up to this one.
        ends.append(query.after[0] + _MILLISECOND)
    created: dict[str, Any] = {"$lt": min(ends)} if ends else {}
    return created if query.created_from is None else {"$gte": query.created_from} | created
