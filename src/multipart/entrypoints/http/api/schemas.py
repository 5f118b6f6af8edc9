"""Schemas of the REST interface, with bounds and examples.

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
from ....domain.errors import FieldError
from ....domain.limits import (
    MAX_METADATA_BYTES,
    MAX_METADATA_ENTRIES,
    MAX_OBJECT_SIZE,
    MAX_PART_COUNT,
    MAX_PART_SIZE,
)
from ....domain.part import Part, PartState
from ....domain.session import ExpiryReason, SessionState, UploadSession
from ....domain.validation import (
    CONTENT_TYPE_PATTERN,
    MAX_CONTENT_TYPE_LENGTH,
    MAX_FILENAME_LENGTH,
    MAX_USER_ID_LENGTH,
    METADATA_KEY_PATTERN,
    start_errors,
)
from ..example_values import ETAG, FILE_SIZE, KEY, LOCATION, MD5, PART_SIZE, UPLOAD_ID
from ..validation.limits import ETAG_PATTERN, MAX_KEY_LENGTH, MAX_UPLOAD_ID_LENGTH, NO_NUL

_DOMAIN_CHECKED: Final = ("user_id", "filename", "content_type", "metadata")

UserId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=NO_NUL,
        description="User who owns the upload.",
        examples=["alice"],
    ),
]
ComparedUserId = Annotated[
    Annotated[str, Meta(min_length=1, max_length=MAX_USER_ID_LENGTH, pattern=NO_NUL)] | None,
    Meta(description="If given, must be the user who owns the upload.", examples=["alice"]),
]
UploadId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_UPLOAD_ID_LENGTH,
        pattern=NO_NUL,
        description="The `upload_id` that start-upload returned.",
        examples=[UPLOAD_ID],
    ),
]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=NO_NUL,
        description="The object key that start-upload returned.",
        examples=[KEY],
    ),
]
PartNumber = Annotated[
    int,
    Meta(ge=1, le=MAX_PART_COUNT, description="Part number, starting at 1.", examples=[1]),
]
PartSize = Annotated[
    Annotated[int, Meta(ge=0, le=MAX_PART_SIZE)] | None,
    Meta(description="Size of the part in bytes.", examples=[PART_SIZE]),
]
ETag = Annotated[
    str,
    Meta(
        pattern=ETAG_PATTERN,
        description="ETag of S3's answer to the PUT, with or without quotes.",
        examples=[ETAG],
    ),
]
Status = Annotated[
    SessionState, Meta(description="State of the upload session.", examples=["in-progress"])
]
Time = Annotated[datetime, Meta(tz=True)]

_Filename = Annotated[str, Meta(description="Name of the file.", examples=["film.mp4"])]
_ContentType = Annotated[str, Meta(description="Media type of the file.", examples=["video/mp4"])]
_WITHOUT_PLAN = "null if no size was declared."
_PlannedSize = Annotated[
    int | None,
    Meta(
        description=f"Size in bytes of every part except the last; {_WITHOUT_PLAN}",
        examples=[PART_SIZE],
    ),
]
_PlannedCount = Annotated[
    int | None, Meta(description=f"Number of parts; {_WITHOUT_PLAN}", examples=[3])
]
_ExpiresAt = Annotated[
    datetime,
    Meta(
        tz=True,
        description="When the upload expires unless there is activity.",
        examples=["2026-12-08T12:00:00Z"],
    ),
]
_AbortDate = Annotated[
    Time | None,
    Meta(
        description="When a lifecycle rule of the bucket aborts the upload; null without a rule.",
        examples=[None],
    ),
]
_Recorded = Annotated[int, Meta(description="Number of different parts recorded.", examples=[1])]
_AnsweredKey = Annotated[str, Meta(description="Key of the object in the bucket.", examples=[KEY])]
_AnsweredId = Annotated[
    str,
    Meta(description="Id of the upload session.", examples=[UPLOAD_ID]),
]


class StartUploadRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A file to upload. With `size`, the answer contains the part plan."""

    user_id: UserId
    filename: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_FILENAME_LENGTH,
            description="Name of the file, which becomes the last component of the key.",
            examples=["film.mp4"],
        ),
    ]
    content_type: Annotated[
        str,
        Meta(
            max_length=MAX_CONTENT_TYPE_LENGTH,
            description="Media type of the file; empty if unknown.",
            examples=["video/mp4"],
            extra_json_schema={"pattern": CONTENT_TYPE_PATTERN},
        ),
    ]
    size: Annotated[
        # Not `le`: a file over the configured limit is 413.
        Annotated[int, Meta(ge=0, extra_json_schema={"maximum": MAX_OBJECT_SIZE})] | None,
        Meta(
            description="Size of the file in bytes. With it, the answer contains the part plan.",
            examples=[FILE_SIZE],
        ),
    ] = None
    metadata: Annotated[
        dict[str, str],
        Meta(
            description="User metadata of the object, at most "
            f"{MAX_METADATA_BYTES} bytes of names and values.",
            examples=[{"project": "summer"}],
            extra_json_schema={
                "maxProperties": MAX_METADATA_ENTRIES,
                "propertyNames": {"pattern": METADATA_KEY_PATTERN},
            },
        ),
    ] = field(default_factory=dict)

    @staticmethod
    def rule_errors(fields: Mapping[str, Any]) -> list[FieldError]:
        """Return the errors of the rules that a type cannot express."""
        return start_errors(**{name: fields[name] for name in _DOMAIN_CHECKED if name in fields})

    def to_domain(self, idempotency_key: str | None) -> NewUpload:
        """Convert the request for the use case."""
        return NewUpload(
            user_id=self.user_id,
            filename=self.filename,
            content_type=self.content_type,
            size=self.size,
            metadata=self.metadata,
            idempotency_key=idempotency_key,
        )


class StartedUpload(Struct, frozen=True):
    """A started upload session."""

    upload_id: _AnsweredId
    key: _AnsweredKey
    part_size: _PlannedSize
    part_count: _PlannedCount
    status: Status
    expires_at: _ExpiresAt
    abort_date: _AbortDate

    @classmethod
    def of(cls, session: UploadSession) -> StartedUpload:
        """Convert a session that was just started."""
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


SignedUrlText = Annotated[
    str,
    Meta(
        description="URL for the PUT of the part.",
        examples=[f"https://bucket.s3.amazonaws.com/{KEY}?partNumber=1&X-Amz-Signature=..."],
    ),
]
UrlExpiry = Annotated[
    datetime,
    Meta(
        tz=True,
        description="When the URL expires.",
        examples=["2026-12-01T13:00:00Z"],
    ),
]


class SignedUrl(Struct, frozen=True):
    """URL for the PUT of the part with these headers, valid until `expires_at`."""

    signed_url: SignedUrlText
    expires_at: UrlExpiry
    headers: Annotated[
        Mapping[str, str],
        Meta(description="Headers that the PUT must carry.", examples=[{}]),
    ]

    @classmethod
    def of(cls, signed: SignedPart) -> SignedUrl:
        """Convert a signed part."""
        return cls(signed_url=signed.url, expires_at=signed.expires_at, headers=signed.headers)


class SessionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A session; all three fields must match it."""

    user_id: UserId
    upload_id: UploadId
    key: Key

    def to_reference(self) -> SessionReference:
        """Convert the session fields for the use case."""
        return SessionReference(upload_id=self.upload_id, key=self.key, user_id=self.user_id)


class RecordPartRequest(SessionRequest, frozen=True):
    """A part that S3 has accepted, with the ETag of S3's answer."""

    part_number: PartNumber
    etag: ETag
    size: PartSize = None


class PartRecorded(Struct, frozen=True):
    """Number of different parts recorded so far."""

    status: Status
    parts_recorded: _Recorded
    success: Annotated[bool, Meta(description="Always true.")] = True


class CompletedUpload(Struct, frozen=True):
    """The completed object."""

    location: Annotated[str, Meta(description="URL of the object.", examples=[LOCATION])]
    key: _AnsweredKey
    etag: Annotated[str, Meta(description="ETag of the object.", examples=[f"{MD5}-3"])]
    size: Annotated[int, Meta(description="Size of the object in bytes.", examples=[FILE_SIZE])]
    message: Annotated[str, Meta(description="Message for people.")] = (
        "Upload completed successfully"
    )

    @classmethod
    def of(cls, session: UploadSession) -> CompletedUpload:
        """Convert a completed session."""
        if session.result is None:
            msg = "a completed session has a result"
            raise ValueError(msg)
        result = session.result
        return cls(location=result.location, key=session.key, etag=result.etag, size=result.size)


class AbortedUpload(Struct, frozen=True):
    """The upload is aborted and its parts are discarded."""

    status: Annotated[
        SessionState, Meta(description="State of the upload session.", examples=["aborted"])
    ]
    message: Annotated[str, Meta(description="Message for people.")] = "Upload aborted"


class UploadSummary(Struct, frozen=True, kw_only=True):
    """An upload in the list of uploads; `size` is null if none was declared."""

    upload_id: _AnsweredId
    key: _AnsweredKey
    user_id: Annotated[str, Meta(description="User who owns the upload.", examples=["alice"])]
    filename: _Filename
    content_type: _ContentType
    status: Status
    size: Annotated[
        int | None,
        Meta(description=f"Size of the file in bytes; {_WITHOUT_PLAN}", examples=[FILE_SIZE]),
    ]
    part_size: _PlannedSize
    part_count: _PlannedCount
    created_at: Annotated[
        datetime,
        Meta(
            tz=True, description="When the upload was started.", examples=["2026-12-01T12:00:00Z"]
        ),
    ]
    updated_at: Annotated[
        datetime,
        Meta(tz=True, description="When the last activity was.", examples=["2026-12-01T12:00:09Z"]),
    ]
    expires_at: _ExpiresAt
    expiry_reason: Annotated[
        ExpiryReason | None,
        Meta(
            description="Why it expires or has expired: `idle`, which every part postpones, or "
            "`max-age`; null once completed or aborted.",
            examples=["idle"],
        ),
    ]
    abort_date: _AbortDate
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

    parts_recorded: _Recorded
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
    parts_lost: Annotated[
        bool,
        Meta(
            description="Whether S3 discarded the upload: sign and send all parts again.",
            examples=[False],
        ),
    ]

    @classmethod
    def of_status(cls, status: UploadStatus) -> UploadStatusAnswer:
        """Convert the status of an upload."""
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

    upload_id: _AnsweredId
    key: _AnsweredKey
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
