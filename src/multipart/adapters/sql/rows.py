"""Between the domain's objects and rows of the tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import RowMapping

from ...domain.part import Part, PartState
from ...domain.part_plan import PartPlan
from ...domain.session import Lease, SessionState, StoredObject, UploadSession

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_milliseconds(time: datetime) -> int:
    """Count in integers: seconds as floating point are not exact."""
    return (time - _EPOCH) // _MILLISECOND


def from_milliseconds(count: int) -> datetime:
    """Give the moment back, in UTC."""
    return _EPOCH + count * _MILLISECOND


def session_row(session: UploadSession) -> dict[str, Any]:
    """Spread a session over its columns."""
    plan, lease, result, due_at = session.plan, session.lease, session.result, session.due_at
    return {
        "id": session.id,
        "nonce": session.nonce,
        "user_id": session.user_id,
        "key": session.key,
        "filename": session.filename,
        "content_type": session.content_type,
        "created_at": to_milliseconds(session.created_at),
        "active_at": to_milliseconds(session.active_at),
        "expires_at": to_milliseconds(session.expires_at),
        "closes_at": session.closes_at and to_milliseconds(session.closes_at),
        "metadata": dict(session.metadata),
        "plan_size": plan and plan.size,
        "plan_part_size": plan and plan.part_size,
        "plan_part_count": plan and plan.part_count,
        "state": session.state.value,
        "store_upload_id": session.store_upload_id,
        "abort_date": session.abort_date and to_milliseconds(session.abort_date),
        "lease_holder": lease and lease.holder,
        "lease_deadline": lease and to_milliseconds(lease.deadline),
        "ending": session.ending and session.ending.value,
        "result_location": result and result.location,
        "result_etag": result and result.etag,
        "result_size": result and result.size,
        "result_upload_id": result and result.upload_id,
        "result_nonce": result and result.nonce,
        "retained_until": session.retained_until and to_milliseconds(session.retained_until),
        "due_at": due_at and to_milliseconds(due_at),
        "version": session.version,
    }


def to_session(row: RowMapping) -> UploadSession:
    """Put a session together again."""
    return UploadSession(
        id=row["id"],
        nonce=row["nonce"],
        user_id=row["user_id"],
        key=row["key"],
        filename=row["filename"],
        content_type=row["content_type"],
        created_at=from_milliseconds(row["created_at"]),
        active_at=from_milliseconds(row["active_at"]),
        expires_at=from_milliseconds(row["expires_at"]),
        closes_at=_time(row["closes_at"]),
        metadata=row["metadata"],
        plan=_plan(row),
        state=SessionState(row["state"]),
        store_upload_id=row["store_upload_id"],
        abort_date=_time(row["abort_date"]),
        lease=_lease(row),
        ending=None if row["ending"] is None else SessionState(row["ending"]),
        result=_result(row),
        retained_until=_time(row["retained_until"]),
        version=row["version"],
    )


def part_row(upload_id: str, part: Part) -> dict[str, Any]:
    """Spread a part over its columns."""
    return {
        "upload_id": upload_id,
        "number": part.number,
        "etag": part.etag,
        "size": part.size,
        "recorded_at": to_milliseconds(part.recorded_at),
        "state": part.state.value,
    }


def to_part(row: RowMapping) -> Part:
    """Put a part together again."""
    return Part(
        number=row["number"],
        etag=row["etag"],
        size=row["size"],
        recorded_at=from_milliseconds(row["recorded_at"]),
        state=PartState(row["state"]),
    )


def _time(count: int | None) -> datetime | None:
    return None if count is None else from_milliseconds(count)


def _plan(row: RowMapping) -> PartPlan | None:
    if row["plan_size"] is None:
        return None
    return PartPlan(row["plan_size"], row["plan_part_size"], row["plan_part_count"])


def _lease(row: RowMapping) -> Lease | None:
    if row["lease_holder"] is None:
        return None
    return Lease(row["lease_holder"], from_milliseconds(row["lease_deadline"]))


def _result(row: RowMapping) -> StoredObject | None:
    if row["result_location"] is None:
        return None
    return StoredObject(
        location=row["result_location"],
        etag=row["result_etag"],
        size=row["result_size"],
        upload_id=row["result_upload_id"],
        nonce=row["result_nonce"],
    )
