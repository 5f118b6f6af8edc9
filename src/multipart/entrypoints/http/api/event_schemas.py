"""Schemas of the route that lists events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from msgspec import Meta, Struct

from ....domain.session_event import EventType
from ....domain.upload_event import LoggedEvent
from ..example_values import FILE_SIZE, KEY, LOCATION, MD5, UPLOAD_ID
from .schemas import DetectedTypeName, ObjectChecksum

_Time = Annotated[datetime, Meta(tz=True)]


class EventUpload(Struct, frozen=True, kw_only=True):
    """The upload at the time of the event."""

    upload_id: Annotated[str, Meta(description="Id of the upload.", examples=[UPLOAD_ID])]
    user_id: Annotated[str, Meta(description="User who owns the upload.", examples=["alice"])]
    key: Annotated[str, Meta(description="Key of the object.", examples=[KEY])]
    filename: Annotated[str, Meta(description="Name of the file.", examples=["film.mp4"])]
    content_type: Annotated[str, Meta(description="Declared type.", examples=["video/mp4"])]
    created_at: Annotated[_Time, Meta(description="When the upload was started.")]
    metadata: Annotated[Mapping[str, str], Meta(description="User metadata of the object.")]
    size: Annotated[
        int | None,
        Meta(
            description="Size of the object in bytes; before completion, the declared size.",
            examples=[FILE_SIZE],
        ),
    ]
    etag: Annotated[str | None, Meta(description="ETag of the object.", examples=[MD5])]
    location: Annotated[str | None, Meta(description="URL of the object.", examples=[LOCATION])]
    checksum_crc64nvme: ObjectChecksum
    detected_type: DetectedTypeName
    token_id: Annotated[
        str | None, Meta(description="Id of the upload token that it was started with.")
    ]
    reason: Annotated[
        str | None,
        Meta(
            description="Why it was reopened (`parts-refused`, `parts-lost`), has expired (`idle`, "
            "`max-age`) or was aborted by the service (`file-too-large`, "
            "`checksum-mismatch`, `content-type-mismatch`).",
            examples=["idle"],
        ),
    ]


class EventAnswer(Struct, frozen=True, kw_only=True):
    """One event."""

    sequence: Annotated[int, Meta(description="Place in the order of all events.", examples=[42])]
    id: Annotated[
        str,
        Meta(description="Id of the event, the same in a webhook.", examples=[f"{UPLOAD_ID}-3"]),
    ]
    type: Annotated[EventType, Meta(description="What has happened.")]
    timestamp: Annotated[_Time, Meta(description="When.", examples=["2026-12-01T12:00:00Z"])]
    data: Annotated[EventUpload, Meta(description="The upload.")]

    @classmethod
    def of(cls, logged: LoggedEvent) -> Self:
        """Make the answer for an event."""
        event, data = logged.event, logged.event.data
        return cls(
            sequence=logged.sequence,
            id=event.id,
            type=event.type,
            timestamp=event.timestamp,
            data=EventUpload(
                upload_id=data.upload_id,
                user_id=data.user_id,
                key=data.key,
                filename=data.filename,
                content_type=data.content_type,
                created_at=data.created_at,
                metadata=data.metadata,
                size=data.size,
                etag=data.etag,
                location=data.location,
                checksum_crc64nvme=data.checksum_crc64nvme,
                detected_type=data.detected_type,
                token_id=data.token_id,
                reason=data.reason,
            ),
        )


class EventList(Struct, frozen=True):
    """Events, oldest first."""

    events: Annotated[list[EventAnswer], Meta(description="Events after `after`.")]
    next_after: Annotated[
        int, Meta(description="`after` of the next request, also if there are no events yet.")
    ]
