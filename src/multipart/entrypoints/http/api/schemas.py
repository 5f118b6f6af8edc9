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

_RULED: Final = ("user_id", "filename", "content_type", "metadata")

UserId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=NO_NUL,
        description="Whose upload it is.",
        examples=["alice"],
    ),
]
ComparedUserId = Annotated[
    Annotated[str, Meta(min_length=1, max_length=MAX_USER_ID_LENGTH, pattern=NO_NUL)] | None,
    Meta(description="Compared with the upload's user when given.", examples=["alice"]),
]
UploadId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_UPLOAD_ID_LENGTH,
        pattern=NO_NUL,
        description="The `upload_id` that start-upload answered.",
        examples=[UPLOAD_ID],
    ),
]
Key = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=NO_NUL,
        description="The object key that start-upload answered.",
        examples=[KEY],
    ),
]
PartNumber = Annotated[
    int,
    Meta(ge=1, le=MAX_PART_COUNT, description="The part's number, from 1 on.", examples=[1]),
]
PartSize = Annotated[
    Annotated[int, Meta(ge=0, le=MAX_PART_SIZE)] | None,
    Meta(description="Bytes of the part.", examples=[PART_SIZE]),
]
ETag = Annotated[
    str,
    Meta(
        pattern=ETAG_PATTERN,
        description="The ETag with which S3 answered the PUT, with or without quotes.",
        examples=[ETAG],
    ),
]
Status = Annotated[
    SessionState, Meta(description="State of the upload session.", examples=["in-progress"])
]
Time = Annotated[datetime, Meta(tz=True)]

_Filename = Annotated[str, Meta(description="Name of the file.", examples=["film.mp4"])]
_ContentType = Annotated[str, Meta(description="Media type of the file.", examples=["video/mp4"])]
_OfPlan = "null when no size was declared."
_PlannedSize = Annotated[
    int | None,
    Meta(
        description=f"Bytes of every part but the last; {_OfPlan}",
        examples=[PART_SIZE],
    ),
]
_PlannedCount = Annotated[
    int | None, Meta(description=f"How many parts to send; {_OfPlan}", examples=[3])
]
_ExpiresAt = Annotated[
    datetime,
    Meta(
        tz=True,
        description="When the upload expires unless it is used before.",
        examples=["2026-12-08T12:00:00Z"],
    ),
]
_AbortDate = Annotated[
    Time | None,
    Meta(
        description="When S3 itself aborts the upload; null when the bucket has no such rule.",
        examples=[None],
    ),
]
_Recorded = Annotated[int, Meta(description="Different parts recorded so far.", examples=[1])]
_AnsweredKey = Annotated[str, Meta(description="Key of the object in the bucket.", examples=[KEY])]
_AnsweredId = Annotated[
    str,
    Meta(description="Id of the upload session, for every later request.", examples=[UPLOAD_ID]),
]


class StartUploadRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A file to upload. With `size` the answer holds the part plan."""

    user_id: UserId
    filename: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_FILENAME_LENGTH,
            description="The file's own name. It becomes the last component of the key.",
            examples=["film.mp4"],
        ),
    ]
    content_type: Annotated[
        str,
        Meta(
            max_length=MAX_CONTENT_TYPE_LENGTH,
            description="The file's media type; empty when it is not known.",
            examples=["video/mp4"],
            extra_json_schema={"pattern": CONTENT_TYPE_PATTERN},
        ),
    ]
    size: Annotated[
        # Not `le`: what is too large is 413, with the limit that the settings give.
        Annotated[int, Meta(ge=0, extra_json_schema={"maximum": MAX_OBJECT_SIZE})] | None,
        Meta(
            description="Bytes of the file. With it, the answer says how to cut the file.",
            examples=[FILE_SIZE],
        ),
    ] = None
    metadata: Annotated[
        dict[str, str],
        Meta(
            description="User metadata of the object, "
            f"{MAX_METADATA_BYTES} bytes of names and values at most.",
            examples=[{"project": "summer"}],
            extra_json_schema={
                "maxProperties": MAX_METADATA_ENTRIES,
                "propertyNames": {"pattern": METADATA_KEY_PATTERN},
            },
        ),
    ] = field(default_factory=dict)

    @staticmethod
    def rule_errors(fields: Mapping[str, Any]) -> list[FieldError]:
        """Return what breaks the rules that a type cannot express."""
        return start_errors(**{name: fields[name] for name in _RULED if name in fields})

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


SignedUrlText = Annotated[
    str,
    Meta(
        description="Where to PUT the part's bytes.",
        examples=[f"https://bucket.s3.amazonaws.com/{KEY}?partNumber=1&X-Amz-Signature=..."],
    ),
]
UrlExpiry = Annotated[
    datetime,
    Meta(
        tz=True,
        description="Until when S3 accepts the URL.",
        examples=["2026-12-01T13:00:00Z"],
    ),
]


class SignedUrl(Struct, frozen=True):
    """Where to PUT the part's bytes, with these headers, until `expires_at`."""

    signed_url: SignedUrlText
    expires_at: UrlExpiry
    headers: Annotated[
        Mapping[str, str],
        Meta(description="Headers that the PUT must carry.", examples=[{}]),
    ]

    @classmethod
    def of(cls, signed: SignedPart) -> SignedUrl:
        """Show a signed part."""
        return cls(signed_url=signed.url, expires_at=signed.expires_at, headers=signed.headers)


class SessionRequest(Struct, frozen=True, forbid_unknown_fields=True):
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
    size: PartSize = None


class PartRecorded(Struct, frozen=True):
    """How many different parts are recorded by now."""

    status: Status
    parts_recorded: _Recorded
    success: Annotated[bool, Meta(description="Always true.")] = True


class CompletedUpload(Struct, frozen=True):
    """The finished object."""

    location: Annotated[str, Meta(description="URL of the object.", examples=[LOCATION])]
    key: _AnsweredKey
    etag: Annotated[str, Meta(description="ETag of the object.", examples=[f"{MD5}-3"])]
    size: Annotated[int, Meta(description="Bytes of the object.", examples=[FILE_SIZE])]
    message: Annotated[str, Meta(description="A sentence for people.")] = (
        "Upload completed successfully"
    )

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

    status: Annotated[
        SessionState, Meta(description="State of the upload session.", examples=["aborted"])
    ]
    message: Annotated[str, Meta(description="A sentence for people.")] = "Upload aborted"


class UploadSummary(Struct, frozen=True, kw_only=True):
    """A session as the list of uploads shows it; `size` is null when none was declared."""

    upload_id: _AnsweredId
    key: _AnsweredKey
    user_id: Annotated[str, Meta(description="Whose upload it is.", examples=["alice"])]
    filename: _Filename
    content_type: _ContentType
    status: Status
    size: Annotated[
        int | None, Meta(description=f"Bytes of the file; {_OfPlan}", examples=[FILE_SIZE])
    ]
    part_size: _PlannedSize
    part_count: _PlannedCount
    created_at: Annotated[
        datetime, Meta(tz=True, description="When it started.", examples=["2026-12-01T12:00:00Z"])
    ]
    updated_at: Annotated[
        datetime,
        Meta(tz=True, description="When it was last used.", examples=["2026-12-01T12:00:09Z"]),
    ]
    expires_at: _ExpiresAt
    expiry_reason: Annotated[
        ExpiryReason | None,
        Meta(
            description="Why it expires, or has expired: `idle` moves on with every part, "
            "`max-age` does not; null once completed or aborted.",
            examples=["idle"],
        ),
    ]
    abort_date: _AbortDate
    location: Annotated[
        str | None,
        Meta(description="URL of the object; null until it is complete.", examples=[None]),
    ]
    etag: Annotated[
        str | None,
        Meta(description="ETag of the object; null until it is complete.", examples=[None]),
    ]

    @classmethod
    def of(cls, session: UploadSession) -> UploadSummary:
        """Show a session."""
        return cls(**_summary(session))


class UploadStatusAnswer(UploadSummary, frozen=True, kw_only=True):
    """A session and how far it is; `missing_parts` is null unless it is open for them.

    `parts_lost` means that S3 has thrown the upload away: all parts must be signed and sent again.
    """

    parts_recorded: _Recorded
    parts_verified: Annotated[
        int, Meta(description="Parts that S3 holds as reported.", examples=[1])
    ]
    bytes_verified: Annotated[int, Meta(description="Bytes of those parts.", examples=[PART_SIZE])]
    missing_parts: Annotated[
        Sequence[int] | None,
        Meta(
            description="Planned parts that S3 does not hold; "
            "null without a plan or once the upload is over.",
            examples=[[2, 3]],
        ),
    ]
    parts_lost: Annotated[
        bool,
        Meta(
            description="Whether S3 discarded the upload: all parts must be signed and sent again.",
            examples=[False],
        ),
    ]

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

    part_number: Annotated[int, Meta(description="The part's number.", examples=[1])]
    etag: Annotated[str, Meta(description="ETag of the part, without quotes.", examples=[MD5])]
    size: Annotated[
        int | None,
        Meta(description="Bytes of the part; null when not known.", examples=[PART_SIZE]),
    ]
    status: Annotated[
        PartState,
        Meta(
            description="`uploaded`: reported by the client; `verified`: S3 holds it as reported.",
            examples=["verified"],
        ),
    ]
    recorded_at: Annotated[
        datetime,
        Meta(tz=True, description="When it was recorded.", examples=["2026-12-01T12:00:09Z"]),
    ]

    @classmethod
    def of(cls, part: Part) -> PartAnswer:
        """Show a part."""
        return cls(part.number, part.etag, part.size, part.state, part.recorded_at)


class PartList(Struct, frozen=True):
    """All parts that are recorded or that S3 holds, by number."""

    upload_id: _AnsweredId
    key: _AnsweredKey
    status: Status
    parts: Annotated[list[PartAnswer], Meta(description="The parts, by number.")]


class UploadList(Struct, frozen=True):
    """A page of sessions, newest first; `next_cursor` is null on the last one."""

    uploads: Annotated[list[UploadSummary], Meta(description="Sessions, newest first.")]
    next_cursor: Annotated[
        str | None,
        Meta(
            description="The `cursor` of the next page; null on the last one.",
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
