"""MongoDB filters for the port's queries."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING

from ...application.ports import SessionQuery

NEWEST_FIRST: Final = (("created_at", DESCENDING), ("_id", DESCENDING))
OLDEST_DUE_FIRST: Final = (("due_at", ASCENDING), ("_id", ASCENDING))
BEING_REMOVED: Final = "is_being_removed"
"""Set on a session whose parts are being removed, which is hidden from then on."""
NOT_BEING_REMOVED: Final[dict[str, Any]] = {BEING_REMOVED: None}
_MILLISECOND: Final = timedelta(milliseconds=1)


def query_filter(query: SessionQuery) -> dict[str, Any]:
    """Return the filter for a query."""
    found: dict[str, Any] = {"user_id": query.user_id, **NOT_BEING_REMOVED}
    if query.token_id is not None:
        found["token.token_id"] = query.token_id
    if query.states:
        found["state"] = {"$in": sorted(query.states)}
    if query.after is not None:
        created_at, upload_id = query.after
        found["$or"] = [
            {"created_at": {"$lt": created_at}},
            {"created_at": created_at, "_id": {"$lt": upload_id}},
        ]
    if created := _created_filter(query):
        found["created_at"] = created
    return found


def due_filter(before: datetime, after: tuple[datetime, str] | None) -> dict[str, Any]:
    """Return the filter for due sessions, which in order of due time and id come after `after`."""
    if after is None:
        return {"due_at": {"$lt": before}}
    due_at, upload_id = after
    return {
        # Implied by $or, but only this gives the index its starting point.
        "due_at": {"$gte": due_at, "$lt": before},
        "$or": [{"due_at": {"$gt": due_at}}, {"due_at": due_at, "_id": {"$gt": upload_id}}],
    }


def _created_filter(query: SessionQuery) -> dict[str, Any]:
    ends = [] if query.created_before is None else [query.created_before]
    if query.after is not None:
        # Implied by $or, but only this gives the index its starting point. MongoDB stores whole
        # milliseconds, so up to one is before the next.
        ends.append(query.after[0] + _MILLISECOND)
    created: dict[str, Any] = {"$lt": min(ends)} if ends else {}
    return created if query.created_from is None else {"$gte": query.created_from} | created
