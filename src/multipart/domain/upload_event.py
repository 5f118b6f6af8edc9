"""Events as other systems receive them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .errors import ChecksumMismatchError, ContentRefusedError, FileTooLargeError
from .session import SessionState, UploadSession
from .session_event import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """The upload at the time of the event; `size` in bytes.

    `size` is the declared size until the upload is completed, then that of the object. `etag` and
    `location` are the object's, `checksum_crc64nvme` is by the store, and `detected_type` is the
    media type that its first bytes show. `token_id` names the upload token that it was started
    with. `reason` says why it was reopened, aborted by the service, or expired.
    """

    upload_id: str
    user_id: str
    key: str
    filename: str
    content_type: str
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None
    etag: str | None = None
    location: str | None = None
    detected_type: str | None = None
    checksum_crc64nvme: str | None = None
    token_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadEvent:
    """An event in the form of the Standard Webhooks specification; `id` is unique and stable."""

    id: str
    type: EventType
    timestamp: datetime
    data: EventData


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event and its place in the log, counted from 1."""

    sequence: int
    event: UploadEvent


def event_of(saved: UploadSession) -> UploadEvent | None:
    """Return the event of a session as it is about to be stored, None if it causes none."""
    if (event := saved.event) is None:
        return None
    result = saved.result
    declared = saved.plan.size if saved.plan else None
    return UploadEvent(
        # Of the callers that race to store a version, one succeeds.
        id=f"{saved.id}-{saved.version}",
        type=event.type,
        timestamp=event.occurred_at,
        data=EventData(
            upload_id=saved.id,
            user_id=saved.user_id,
            key=saved.key,
            filename=saved.filename,
            content_type=saved.content_type,
            created_at=saved.created_at,
            metadata=dict(saved.metadata),
            size=result.size if result else declared,
            etag=result.etag if result else None,
            location=result.location if result else None,
            checksum_crc64nvme=result.checksum if result else None,
            detected_type=saved.detected.media_type if saved.detected else None,
            token_id=saved.token.token_id if saved.token else None,
            reason=event.reason or _end_reason(saved),
        ),
    )


def _end_reason(saved: UploadSession) -> str | None:
    if saved.is_object_refused:
        refused_checksum = saved.refused_checksum is not None
        return ChecksumMismatchError.code if refused_checksum else ContentRefusedError.code
    if saved.state is SessionState.ABORTED and saved.refused_size is not None:
        return FileTooLargeError.code
    return saved.expiry_reason if saved.state is SessionState.EXPIRED else None
