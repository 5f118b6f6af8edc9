"""Sample sessions and parts for the repository suite."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from ...domain.content_check import DetectedType
from ...domain.limits import MAX_OBJECT_SIZE, MAX_PART_COUNT, MAX_PART_SIZE
from ...domain.part import Part, PartState
from ...domain.part_plan import PartPlan
from ...domain.session import Lease, SessionState, StoredObject, UploadSession
from ...domain.upload_token import TokenUse

NOW: Final = datetime(2036, 3, 30, 0, 59, 59, 999_000, tzinfo=UTC)
"""The last millisecond before Europe's clocks change, which reveals a lost time zone or digit.

In the far future, so that no database treats a sample as past its retention.
"""
MILLISECOND: Final = timedelta(milliseconds=1)


def sample_session(
    upload_id: str = "upload-1",
    *,
    user_id: str = "alice",
    created_at: datetime = NOW,
    state: SessionState = SessionState.PENDING,
) -> UploadSession:
    """Make a new session, in any state."""
    return UploadSession(
        id=upload_id,
        user_id=user_id,
        key=f"uploads/{user_id}/{upload_id}/holiday.mp4",
        filename="holiday.mp4",
        content_type="video/mp4",
        created_at=created_at,
        active_at=created_at,
        expires_at=created_at + timedelta(days=1),
        state=state,
    )


def ended_session(upload_id: str, retained_until: datetime) -> UploadSession:
    """Make a completed session that is retained until then."""
    completed = sample_session(upload_id, state=SessionState.COMPLETED)
    return replace(completed, retained_until=retained_until)


def full_session() -> UploadSession:
    """Make a session with an unusual or large value in every field."""
    return UploadSession(
        id="upload-full",
        nonce="0123456789abcdef",
        user_id="Zoë $ne %_.\\ '\"",
        key="uploads/Zoë/upload-full/наш отпуск 🏝.mp4",
        filename="наш отпуск 🏝.mp4",
        content_type='text/plain; charset="utf-8"',
        created_at=NOW,
        active_at=NOW + MILLISECOND,
        expires_at=NOW + timedelta(days=7, milliseconds=123),
        closes_at=NOW + timedelta(days=30, milliseconds=7),
        metadata={
            "camera.model.name": "X100",
            "$set": "$unset",
            "_id": "not an id",
            "ключ 🔑": "значение",
            "empty": "",
            "quoted \"'\\": '{"json": [null]}',
        },
        plan=PartPlan(size=MAX_OBJECT_SIZE, part_size=MAX_PART_SIZE, part_count=MAX_PART_COUNT),
        max_size=MAX_OBJECT_SIZE,
        refused_size=MAX_OBJECT_SIZE,
        checksum="M3eFcAZSQlc=",
        refused_checksum="//////////8=",
        state=SessionState.ABORTING,
        store_upload_id="2~" + "x" * 200,
        abort_date=NOW + timedelta(days=3, milliseconds=9),
        lease=Lease("worker-7", NOW + timedelta(seconds=30, milliseconds=1)),
        token=TokenUse("Ωtoken.$1", NOW + timedelta(days=9, milliseconds=1), "0f" * 32),
        detected=DetectedType("application/vnd.example+zip", is_mismatch=True),
        ending=SessionState.EXPIRED,
        result=StoredObject(
            location="https://bucket.s3.eu-west-1.amazonaws.com/uploads/Zo%C3%AB",
            etag="d41d8cd98f00b204e9800998ecf8427e-10000",
            size=MAX_OBJECT_SIZE,
            upload_id="upload-full",
            nonce="0123456789abcdef",
            checksum="AAAAAAAAAAA=",
        ),
        retained_until=NOW + timedelta(days=37, milliseconds=45),
    )


def sample_part(
    number: int = 1,
    etag: str = "d41d8cd98f00b204e9800998ecf8427e",
    *,
    size: int | None = MAX_PART_SIZE,
    state: PartState = PartState.UPLOADED,
) -> Part:
    """Make a part recorded `number` milliseconds after its session was created."""
    return Part(
        number=number,
        etag=etag,
        size=size,
        recorded_at=NOW + number * MILLISECOND,
        state=state,
    )
