"""Schemas of the routes that read: status, parts, list of uploads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from ....application.upload_status import UploadStatus
from ....domain.part import Part, PartState
from ....domain.session import ExpiryReason, UploadSession
from ..example_values import FILE_SIZE, MD5, PART_SIZE
from .schemas import (
    WITHOUT_PLAN,
    AbortDate,
    AnsweredId,
    AnsweredKey,
    ChecksumVerified,
    DetectedTypeName,
    ExpiresAt,
    ObjectChecksum,
    PartsRecorded,
    PlannedCount,
    PlannedSize,
    Receipt,
    Status,
)

_Filename = Annotated[str, Meta(description="Name of the file.", examples=["film.mp4"])]
_ContentType = Annotated[str, Meta(description="Media type of the file.", examples=["video/mp4"])]


class UploadSummary(Struct, frozen=True, kw_only=True):
    """An upload in the list of uploads; `size` is null if none was declared."""

    upload_id: AnsweredId
    key: AnsweredKey
    user_id: Annotated[str, Meta(description="User who owns the upload.", examples=["alice"])]
    filename: _Filename
    content_type: _ContentType
    status: Status
    size: Annotated[
        int | None,
        Meta(description=f"Size of the file in bytes; {WITHOUT_PLAN}", examples=[FILE_SIZE]),
    ]
    part_size: PlannedSize
    part_count: PlannedCount
    created_at: Annotated[
        datetime,
        Meta(
            tz=True, description="When the upload was started.", examples=["2026-12-01T12:00:00Z"]
        ),
    ]
    updated_at: Annotated[
        datetime,
        Meta(tz=True, description="Time of the last activity.", examples=["2026-12-01T12:00:09Z"]),
    ]
    expires_at: ExpiresAt
    expiry_reason: Annotated[
        ExpiryReason | None,
        Meta(
            description="Why it expires or has expired: `idle`, which every part postpones, or "
            "`max-age`; null once completed or aborted.",
            examples=["idle"],
        ),
    ]
    abort_date: AbortDate
    location: Annotated[
        str | None,
        Meta(description="URL of the object; null until completed.", examples=[None]),
    ]
    etag: Annotated[
        str | None,
        Meta(description="ETag of the object; null until completed.", examples=[None]),
    ]

    @classmethod
    def of(cls, session: UploadSession) -> UploadSummary:
        """Convert a session."""
        return cls(**_summary(session))


class UploadStatusAnswer(UploadSummary, frozen=True, kw_only=True):
    """An upload and its progress; `missing_parts` is null unless it is open and has a plan.

    `parts_lost` means that S3 discarded the upload: sign and send all parts again.
    """

    parts_recorded: PartsRecorded
    parts_verified: Annotated[
        int, Meta(description="Number of parts that S3 has as reported.", examples=[1])
    ]
    bytes_verified: Annotated[
        int, Meta(description="Size of these parts in bytes.", examples=[PART_SIZE])
    ]
    missing_parts: Annotated[
        Sequence[int] | None,
        Meta(
            description="Planned parts that S3 does not have; "
            "null without a plan or once the upload has ended.",
            examples=[[2, 3]],
        ),
    ]
    checksum_crc64nvme: ObjectChecksum
    checksum_verified: ChecksumVerified
    receipt: Receipt
    detected_type: DetectedTypeName
    content_mismatch: Annotated[
        bool,
        Meta(
            description="Whether the bytes cannot be of the declared `content_type`.",
            examples=[False],
        ),
    ]
    parts_lost: Annotated[
        bool,
        Meta(
            description="Whether S3 discarded the upload: sign and send all parts again.",
            examples=[False],
        ),
    ]

    @classmethod
    def of_status(cls, status: UploadStatus, receipt: str | None) -> UploadStatusAnswer:
        """Convert the status of an upload."""
        detected, result = status.session.detected, status.session.result
        verified = sum(part.state is PartState.VERIFIED for part in status.parts)
        return cls(
            **_summary(status.session),
            parts_recorded=len(status.parts),
            parts_verified=verified,
            bytes_verified=status.bytes_verified,
            missing_parts=status.missing_parts,
            checksum_crc64nvme=result.checksum if result else None,
            checksum_verified=status.session.is_checksum_verified,
            receipt=receipt,
            detected_type=detected.media_type if detected else None,
            content_mismatch=detected is not None and detected.is_mismatch,
            parts_lost=status.session.is_lost,
        )


class PartAnswer(Struct, frozen=True):
    """A part; `verified` means that S3 has it as reported."""

    part_number: Annotated[int, Meta(description="Part number.", examples=[1])]
    etag: Annotated[str, Meta(description="ETag of the part, without quotes.", examples=[MD5])]
    size: Annotated[
        int | None,
        Meta(description="Size of the part in bytes; null if unknown.", examples=[PART_SIZE]),
    ]
    status: Annotated[
        PartState,
        Meta(
            description="`uploaded`: reported by the client; `verified`: S3 has it as reported.",
            examples=["verified"],
        ),
    ]
    recorded_at: Annotated[
        datetime,
        Meta(tz=True, description="When the part was recorded.", examples=["2026-12-01T12:00:09Z"]),
    ]

    @classmethod
    def of(cls, part: Part) -> PartAnswer:
        """Convert a part."""
        return cls(part.number, part.etag, part.size, part.state, part.recorded_at)


class PartList(Struct, frozen=True):
    """All parts that are recorded or in S3, ordered by number."""

    upload_id: AnsweredId
    key: AnsweredKey
    status: Status
    parts: Annotated[list[PartAnswer], Meta(description="Parts, ordered by number.")]


class UploadList(Struct, frozen=True):
    """A page of uploads, newest first; `next_cursor` is null on the last page."""

    uploads: Annotated[list[UploadSummary], Meta(description="Uploads, newest first.")]
    next_cursor: Annotated[
        str | None,
        Meta(
            description="The `cursor` of the next page; null on the last page.",
            examples=["MjAyNi0xMi0wMVQxMjowMDowMCswMDowMCAzZjBj"],
        ),
    ]


def _summary(session: UploadSession) -> dict[str, Any]:
    plan, result = session.plan, session.result
    return {
        "upload_id": session.id,
        "key": session.key,
        "user_id": session.user_id,
        "filename": session.filename,
        "content_type": session.content_type,
        "status": session.state,
        "size": result.size if result else plan.size if plan else None,
        "part_size": plan.part_size if plan else None,
        "part_count": plan.part_count if plan else None,
        "created_at": session.created_at,
        "updated_at": session.active_at,
        "expires_at": session.expires_at,
        "expiry_reason": session.expiry_reason,
        "abort_date": session.abort_date,
        "location": result.location if result else None,
        "etag": result.etag if result else None,
    }
