"""Schemas of the REST interface, with bounds and examples.

Sizes are bytes, times RFC 3339 in UTC. Names are those of the four original endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from ....application.new_upload import NewUpload
from ....application.ports import SignedPart
from ....application.session_reference import SessionReference
from ....domain.checksum import CHECKSUM_PATTERN
from ....domain.errors import FieldError
from ....domain.limits import (
    MAX_METADATA_BYTES,
    MAX_METADATA_ENTRIES,
    MAX_OBJECT_SIZE,
    MAX_PART_COUNT,
    MAX_PART_SIZE,
)
from ....domain.principal import Principal, Scope
from ....domain.session import SessionState, UploadSession
from ....domain.validation import (
    CONTENT_TYPE_PATTERN,
    MAX_CONTENT_TYPE_LENGTH,
    MAX_FILENAME_LENGTH,
    MAX_USER_ID_LENGTH,
    METADATA_KEY_PATTERN,
    start_errors,
)
from ..example_values import (
    CHECKSUM,
    ETAG,
    FILE_SIZE,
    KEY,
    LOCATION,
    MD5,
    PART_SIZE,
    RECEIPT,
    UPLOAD_ID,
)
from ..validation.limits import ETAG_PATTERN, MAX_KEY_LENGTH, MAX_UPLOAD_ID_LENGTH, NO_NUL

_DOMAIN_CHECKED: Final = ("user_id", "filename", "content_type", "metadata")
METADATA_SCHEMA: Final = {
    "maxProperties": MAX_METADATA_ENTRIES,
    "propertyNames": {"pattern": METADATA_KEY_PATTERN},
}

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
DeclaredChecksum = Annotated[
    Annotated[str, Meta(pattern=CHECKSUM_PATTERN)] | None,
    Meta(
        description="CRC-64/NVME of the whole file, in base64 as S3 writes it. An object with "
        "another one is deleted, and the upload aborted.",
        examples=[CHECKSUM],
    ),
]
ObjectChecksum = Annotated[
    str | None,
    Meta(
        description="CRC-64/NVME of the object by the store; null if it is not completed, or the "
        "store computes none.",
        examples=[CHECKSUM],
    ),
]
DetectedTypeName = Annotated[
    str | None,
    Meta(
        description="Media type that the first bytes of the object show; null if it is not "
        "completed, was not checked, or the type is unknown.",
        examples=[None],
    ),
]
ChecksumVerified = Annotated[
    bool,
    Meta(
        description="Whether the object has the checksum that the client declared; false if it "
        "declared none, or the store computes none.",
        examples=[True],
    ),
]
Status = Annotated[
    SessionState, Meta(description="State of the upload session.", examples=["in-progress"])
]
Time = Annotated[datetime, Meta(tz=True)]

WITHOUT_PLAN = "null if no size was declared."
PlannedSize = Annotated[
    int | None,
    Meta(
        description=f"Size in bytes of every part except the last; {WITHOUT_PLAN}",
        examples=[PART_SIZE],
    ),
]
PlannedCount = Annotated[
    int | None, Meta(description=f"Number of parts; {WITHOUT_PLAN}", examples=[3])
]
ExpiresAt = Annotated[
    datetime,
    Meta(
        tz=True,
        description="When the upload expires unless there is activity.",
        examples=["2026-12-08T12:00:00Z"],
    ),
]
AbortDate = Annotated[
    Time | None,
    Meta(
        description="When a lifecycle rule of the bucket aborts the upload; null without a rule.",
        examples=[None],
    ),
]
PartsRecorded = Annotated[
    int, Meta(description="Number of different parts recorded.", examples=[1])
]
AnsweredKey = Annotated[str, Meta(description="Key of the object in the bucket.", examples=[KEY])]
AnsweredId = Annotated[
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
            extra_json_schema=METADATA_SCHEMA,
        ),
    ] = field(default_factory=dict)
    checksum_crc64nvme: DeclaredChecksum = None

    @staticmethod
    def rule_errors(fields: Mapping[str, Any]) -> list[FieldError]:
        """Return the errors of the rules that a type cannot express."""
        return start_errors(**{name: fields[name] for name in _DOMAIN_CHECKED if name in fields})

    def to_domain(self, principal: Principal, idempotency_key: str | None) -> NewUpload:
        """Convert the request for the use case. Raise UserNotAllowedError."""
        return NewUpload(
            user_id=principal.resolve_user(self.user_id),
            filename=self.filename,
            content_type=self.content_type,
            size=self.size,
            metadata=self.metadata,
            checksum=self.checksum_crc64nvme,
            idempotency_key=idempotency_key,
            token=principal.token,
        )


class StartedUpload(Struct, frozen=True):
    """A started upload session."""

    upload_id: AnsweredId
    key: AnsweredKey
    part_size: PlannedSize
    part_count: PlannedCount
    status: Status
    expires_at: ExpiresAt
    abort_date: AbortDate

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

    def to_reference(self, principal: Principal, *allowing: Scope) -> SessionReference:
        """Convert the session fields for the use case. Raise UserNotAllowedError."""
        return SessionReference.by(
            principal, *allowing, upload_id=self.upload_id, key=self.key, user_id=self.user_id
        )


class CompleteUploadRequest(SessionRequest, frozen=True):
    """The session to complete; a checksum is declared here if it was not known at the start."""

    checksum_crc64nvme: DeclaredChecksum = None


class RecordPartRequest(SessionRequest, frozen=True):
    """A part that S3 has accepted, with the ETag of S3's answer."""

    part_number: PartNumber
    etag: ETag
    size: PartSize = None


class PartRecorded(Struct, frozen=True):
    """Number of different parts recorded so far."""

    status: Status
    parts_recorded: PartsRecorded
    success: Annotated[bool, Meta(description="Always true.")] = True


Receipt = Annotated[
    str | None,
    Meta(
        description="Signed statement that the object exists (JWS), which the keys of "
        "`/.well-known/jwks.json` verify; null unless completed, or if the service has no key.",
        examples=[RECEIPT],
    ),
]


class CompletedUpload(Struct, frozen=True):
    """The completed object."""

    location: Annotated[str, Meta(description="URL of the object.", examples=[LOCATION])]
    key: AnsweredKey
    etag: Annotated[str, Meta(description="ETag of the object.", examples=[f"{MD5}-3"])]
    size: Annotated[int, Meta(description="Size of the object in bytes.", examples=[FILE_SIZE])]
    checksum_crc64nvme: ObjectChecksum
    checksum_verified: ChecksumVerified
    receipt: Receipt
    message: Annotated[str, Meta(description="Message for people.")] = (
        "Upload completed successfully"
    )

    @classmethod
    def of(cls, session: UploadSession, receipt: str | None) -> CompletedUpload:
        """Convert a completed session."""
        if session.result is None:
            msg = "a completed session has a result"
            raise ValueError(msg)
        result = session.result
        return cls(
            location=result.location,
            key=session.key,
            etag=result.etag,
            size=result.size,
            checksum_crc64nvme=result.checksum,
            checksum_verified=session.is_checksum_verified,
            receipt=receipt,
        )


class AbortedUpload(Struct, frozen=True):
    """The upload is aborted and its parts are discarded."""

    status: Annotated[
        SessionState, Meta(description="State of the upload session.", examples=["aborted"])
    ]
    message: Annotated[str, Meta(description="Message for people.")] = "Upload aborted"
