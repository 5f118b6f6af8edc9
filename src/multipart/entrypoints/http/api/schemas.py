"""The JSON of the REST interface, with bounds and examples.

Sizes are bytes, times RFC 3339 in UTC. Names are those of the four original endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from ....application.ports import SignedPart
from ....application.session_reference import SessionReference
from ....application.start_upload import NewUpload
from ....application.upload_status import UploadStatus
from ....domain.limits import MAX_PART_COUNT, MAX_PART_SIZE
from ....domain.part import Part, PartState
from ....domain.session import SessionState, UploadSession
from ....domain.validation import MAX_CONTENT_TYPE_LENGTH, MAX_FILENAME_LENGTH, MAX_USER_ID_LENGTH
from ..field_limits import MAX_KEY_LENGTH, MAX_UPLOAD_ID_LENGTH, NO_NUL

# RFC 9110 8.8.3 without what is weak: a bare or quoted run of visible ASCII. The lookahead is for
# Python, whose $ also matches before a line break.
ETAG_PATTERN: Final = r'^("[\x21\x23-\x7e]{1,128}"|[\x21\x23-\x7e]{1,128})$(?!\n)'

_UPLOAD_ID: Final = "3f0c9a52b8a94f6f9d3c5c8f4f1f7f1a"
_KEY: Final = f"alice/{_UPLOAD_ID}/film.mp4"
_ETAG: Final = '"9b2cf535f27731c974343645a3985328"'

UserId = Annotated[
    str, Meta(min_length=1, max_length=MAX_USER_ID_LENGTH, pattern=NO_NUL, examples=["alice"])
]
UploadId = Annotated[
    str, Meta(min_length=1, max_length=MAX_UPLOAD_ID_LENGTH, pattern=NO_NUL, examples=[_UPLOAD_ID])
]
Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY_LENGTH, pattern=NO_NUL, examples=[_KEY])]
PartNumber = Annotated[int, Meta(ge=1, le=MAX_PART_COUNT, examples=[1])]
PartSize = Annotated[int, Meta(ge=0, le=MAX_PART_SIZE, examples=[8_388_608])]
ETag = Annotated[str, Meta(pattern=ETAG_PATTERN, examples=[_ETAG])]


class StartUploadRequest(Struct, frozen=True):
    """A file to upload. With `size` the answer holds the part plan."""

    user_id: UserId
    filename: Annotated[
        str, Meta(min_length=1, max_length=MAX_FILENAME_LENGTH, examples=["film.mp4"])
    ]
    content_type: Annotated[str, Meta(max_length=MAX_CONTENT_TYPE_LENGTH, examples=["video/mp4"])]
    size: Annotated[int, Meta(ge=0, examples=[1_073_741_824])] | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def to_domain(self, idempotency_key: str | None) -> NewUpload:
        """Give it in the domain's words."""
        return NewUpload(
            user_id=self.user_id,
            filename=self.filename,
            content_type=self.content_type,
            size=self.size,
            metadata=self.metadata,
            idempotency_key=idempotency_key,
        )


class StartedUpload(Struct, frozen=True):
    """A session; `part_size` and `part_count` are null when no size was declared.

    At `abort_date` S3 itself will abort the upload, if the bucket has such a rule.
    """

    upload_id: str
    key: str
    part_size: int | None
    part_count: int | None
    status: SessionState
    expires_at: datetime
    abort_date: datetime | None

    @classmethod
    def of(cls, session: UploadSession) -> StartedUpload:
        """Show a session that was just started."""
        plan = session.plan
        return cls(
            upload_id=session.id,
            key=session.key,
            part_size=plan.part_size if plan else None,
            part_count=plan.part_count if plan else None,
            status=session.state,
            expires_at=session.expires_at,
            abort_date=session.abort_date,
        )


class SignedUrl(Struct, frozen=True):
    """Where to PUT the part's bytes, with these headers, until `expires_at`."""

    signed_url: str
    expires_at: datetime
    headers: Mapping[str, str]

    @classmethod
    def of(cls, signed: SignedPart) -> SignedUrl:
        """Show a signed part."""
        return cls(signed_url=signed.url, expires_at=signed.expires_at, headers=signed.headers)


class SessionRequest(Struct, frozen=True):
    """Which session; all three must belong together."""

    user_id: UserId
    upload_id: UploadId
    key: Key

    def address(self) -> SessionReference:
        """Give it in the domain's words."""
        return SessionReference(upload_id=self.upload_id, key=self.key, user_id=self.user_id)


class RecordPartRequest(SessionRequest, frozen=True):
    """A part that S3 has taken, with the ETag of S3's answer, quoted or not."""

    part_number: PartNumber
    etag: ETag
    size: PartSize | None = None


class PartRecorded(Struct, frozen=True):
    """How many different parts are recorded by now."""

    status: SessionState
    parts_recorded: int
    success: bool = True


class CompletedUpload(Struct, frozen=True):
    """The finished object."""

    location: str
    key: str
    etag: str
    size: int
    message: str = "Upload completed successfully"

    @classmethod
    def of(cls, session: UploadSession) -> CompletedUpload:
        """Show a completed session."""
        if session.result is None:
            msg = "a completed session has a result"
            raise ValueError(msg)
        result = session.result
        return cls(location=result.location, key=session.key, etag=result.etag, size=result.size)


class AbortedUpload(Struct, frozen=True):
    """The session is over and its parts are gone."""

    status: SessionState
    message: str = "Upload aborted"


class UploadSummary(Struct, frozen=True, kw_only=True):
    """A session as the list of uploads shows it; `size` is null when none was declared."""

    upload_id: str
    key: str
    user_id: str
    filename: str
    content_type: str
    status: SessionState
    size: int | None
    part_size: int | None
    part_count: int | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    abort_date: datetime | None
    location: str | None
    etag: str | None

    @classmethod
    def of(cls, session: UploadSession) -> UploadSummary:
        """Show a session."""
        return cls(**_summary(session))


class UploadStatusAnswer(UploadSummary, frozen=True, kw_only=True):
    """A session and how far it is; `missing_parts` is null unless it is open for them.

    `parts_lost` means that S3 has thrown the upload away: all parts must be signed and sent again.
    """

    parts_recorded: int
    parts_verified: int
    bytes_verified: int
    missing_parts: Sequence[int] | None
    parts_lost: bool

    @classmethod
    def of_status(cls, status: UploadStatus) -> UploadStatusAnswer:
        """Show how far an upload is."""
        verified = sum(part.state is PartState.VERIFIED for part in status.parts)
        return cls(
            **_summary(status.session),
            parts_recorded=len(status.parts),
            parts_verified=verified,
            bytes_verified=status.bytes_verified,
            missing_parts=status.missing_parts,
            parts_lost=status.session.is_lost,
        )


class PartAnswer(Struct, frozen=True):
    """A part; `verified` means that S3 holds it as reported."""

    part_number: int
    etag: str
    size: int | None
    status: PartState
    recorded_at: datetime

    @classmethod
    def of(cls, part: Part) -> PartAnswer:
        """Show a part."""
        return cls(part.number, part.etag, part.size, part.state, part.recorded_at)


class PartList(Struct, frozen=True):
    """All parts that are recorded or that S3 holds, by number."""

    upload_id: str
    key: str
    status: SessionState
    parts: list[PartAnswer]


class UploadList(Struct, frozen=True):
    """A page of sessions, newest first; `next_cursor` is null on the last one."""

    uploads: list[UploadSummary]
    next_cursor: str | None


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
        "abort_date": session.abort_date,
        "location": result.location if result else None,
        "etag": result.etag if result else None,
    }
