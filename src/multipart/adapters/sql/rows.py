"""Write the domain's objects to rows of the tables, and read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from ...domain.content_check import DetectedType
from ...domain.errors import StoredSessionUnreadableError
from ...domain.part import Part, PartState
from ...domain.part_plan import PartPlan
from ...domain.session import Lease, SessionState, StoredObject, UploadSession
from ...domain.upload_token import TokenUse

T = TypeVar("T")

_UNREADABLE: Final = (TypeError, ValueError, OverflowError, RecursionError)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_milliseconds(time: datetime) -> int:
    """Return whole milliseconds; seconds as floating point would not be exact."""
    return (time - _EPOCH) // _MILLISECOND


def from_milliseconds(count: int) -> datetime:
    """Return the time, in UTC."""
    return _EPOCH + count * _MILLISECOND


def session_row(session: UploadSession) -> dict[str, Any]:
    """Write a session to its columns."""
    plan, lease, result, due_at = session.plan, session.lease, session.result, session.due_at
    token, detected = session.token, session.detected
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
        "max_size": session.max_size,
        "refused_size": session.refused_size,
        "checksum": session.checksum,
        "refused_checksum": session.refused_checksum,
        "state": session.state.value,
        "store_upload_id": session.store_upload_id,
        "abort_date": session.abort_date and to_milliseconds(session.abort_date),
        "lease_holder": lease and lease.holder,
        "lease_deadline": lease and to_milliseconds(lease.deadline),
        "token_id": token and token.token_id,
        "token_expires_at": token and to_milliseconds(token.expires_at),
        "start_key": token and token.start_key,
        "detected_type": detected and detected.media_type,
        "is_type_mismatch": detected and int(detected.is_mismatch),
        "ending": session.ending and session.ending.value,
        "result_location": result and result.location,
        "result_etag": result and result.etag,
        "result_size": result and result.size,
        "result_upload_id": result and result.upload_id,
        "result_nonce": result and result.nonce,
        "result_checksum": result and result.checksum,
        "retained_until": session.retained_until and to_milliseconds(session.retained_until),
        "due_at": due_at and to_milliseconds(due_at),
        "version": session.version,
    }


def to_session(row: Mapping[Any, Any]) -> UploadSession:
    """Read a session from its row; `metadata` is JSON text.

    A column that is missing or NULL has the default of its field, and unknown columns are ignored.
    Raise StoredSessionUnreadableError if a required value is missing or a value is wrong.
    """
    try:
        return _read_session(row)
    except _UNREADABLE as error:
        raise StoredSessionUnreadableError(str(row["id"])) from error


def _read_session(row: Mapping[Any, Any]) -> UploadSession:
    ending = _text(row, "ending")
    return UploadSession(
        id=_required(_text(row, "id")),
        nonce=_text(row, "nonce"),
        user_id=_required(_text(row, "user_id")),
        key=_required(_text(row, "key")),
        filename=_required(_text(row, "filename")),
        content_type=_required(_text(row, "content_type")),
        created_at=_required(_time(row, "created_at")),
        active_at=_required(_time(row, "active_at")),
        expires_at=_required(_time(row, "expires_at")),
        closes_at=_time(row, "closes_at"),
        metadata=_metadata(row),
        plan=_plan(row),
        max_size=_integer(row, "max_size"),
        refused_size=_integer(row, "refused_size"),
        checksum=_text(row, "checksum"),
        refused_checksum=_text(row, "refused_checksum"),
        state=SessionState(_required(_text(row, "state"))),
        store_upload_id=_text(row, "store_upload_id"),
        abort_date=_time(row, "abort_date"),
        lease=_lease(row),
        token=_token(row),
        detected=_detected(row),
        ending=None if ending is None else SessionState(ending),
        result=_result(row),
        retained_until=_time(row, "retained_until"),
        version=_required(_integer(row, "version")),
    )


def part_row(upload_id: str, part: Part) -> dict[str, Any]:
    """Write a part to its columns."""
    return {
        "upload_id": upload_id,
        "number": part.number,
        "etag": part.etag,
        "size": part.size,
        "recorded_at": to_milliseconds(part.recorded_at),
        "state": part.state.value,
    }


def to_part(row: Mapping[Any, Any]) -> Part:
    """Read a part. Raise StoredSessionUnreadableError as for its session."""
    try:
        return Part(
            number=_required(_integer(row, "number")),
            etag=_required(_text(row, "etag")),
            size=_integer(row, "size"),
            recorded_at=_required(_time(row, "recorded_at")),
            state=PartState(_required(_text(row, "state"))),
        )
    except _UNREADABLE as error:
        raise StoredSessionUnreadableError(str(row["upload_id"])) from error


def _required(value: T | None) -> T:
    if value is None:
        msg = "a required value is missing"
        raise ValueError(msg)
    return value


def _text(row: Mapping[Any, Any], name: str) -> str | None:
    return _require_type(row.get(name), str)


def _integer(row: Mapping[Any, Any], name: str) -> int | None:
    return _require_type(row.get(name), int)


def _require_type(value: Any, kind: type[T]) -> T | None:
    # SQLite stores any value in any column.
    if value is not None and not isinstance(value, kind):
        msg = f"a value is not of type {kind.__name__}"
        raise TypeError(msg)
    return value


def _time(row: Mapping[Any, Any], name: str) -> datetime | None:
    count = _integer(row, name)
    return None if count is None else from_milliseconds(count)


def _metadata(row: Mapping[Any, Any]) -> dict[str, str]:
    text = _text(row, "metadata")
    found = json.loads(text) if text is not None else None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        msg = "the metadata is not an object of texts"
        raise TypeError(msg)
    return found


def _plan(row: Mapping[Any, Any]) -> PartPlan | None:
    size = _integer(row, "plan_size")
    if size is None:
        return None
    return PartPlan(
        size,
        _required(_integer(row, "plan_part_size")),
        _required(_integer(row, "plan_part_count")),
    )


def _lease(row: Mapping[Any, Any]) -> Lease | None:
    holder = _text(row, "lease_holder")
    return None if holder is None else Lease(holder, _required(_time(row, "lease_deadline")))


def _token(row: Mapping[Any, Any]) -> TokenUse | None:
    token_id = _text(row, "token_id")
    if token_id is None:
        return None
    expires_at = _required(_time(row, "token_expires_at"))
    return TokenUse(token_id, expires_at, _text(row, "start_key"))


def _detected(row: Mapping[Any, Any]) -> DetectedType | None:
    media_type = _text(row, "detected_type")
    if media_type is None:
        return None
    return DetectedType(media_type, is_mismatch=bool(_integer(row, "is_type_mismatch")))


def _result(row: Mapping[Any, Any]) -> StoredObject | None:
    location = _text(row, "result_location")
    if location is None:
        return None
    return StoredObject(
        location=location,
        etag=_required(_text(row, "result_etag")),
        size=_required(_integer(row, "result_size")),
        upload_id=_text(row, "result_upload_id"),
        nonce=_text(row, "result_nonce"),
        checksum=_text(row, "result_checksum"),
    )
