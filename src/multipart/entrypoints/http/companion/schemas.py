"""Schemas of Companion's S3 routes, with Companion's names; `PartNumber` and `ETag` are S3's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field
from msgspec.json import Encoder

from ....application.new_upload import NewUpload
from ....application.ports import SignedPart, SignedParts, SignedPost
from ....domain.limits import MAX_PART_COUNT
from ....domain.named_parts import NamedPart
from ....domain.part import Part
from ....domain.principal import Principal
from ....domain.session import UploadSession
from ....domain.validation import CONTENT_TYPE_PATTERN, MAX_CONTENT_TYPE_LENGTH, MAX_FILENAME_LENGTH
from ..example_values import ETAG, KEY, LOCATION, PART_SIZE, UPLOAD_ID
from ..problems.schemas import ExtensionMembers
from ..responses import encode_urls
from .metadata import read_checksum, read_size, select_metadata

MAX_ETAG_LENGTH: Final = 130
_encode: Final = Encoder().encode

_SIGNED_URL: Final = f"{LOCATION}?partNumber=1&X-Amz-Signature=..."
_ObjectKey = Annotated[str, Meta(description="Key of the object in the bucket.", examples=[KEY])]
_BucketName = Annotated[str, Meta(description="Name of the bucket.", examples=["bucket"])]
_Seconds = Annotated[int, Meta(description="Seconds until it expires.", examples=[3600])]


class CreateRequest(Struct, frozen=True):
    """A file to upload; Uppy omits `type` or leaves it empty if the browser does not know it."""

    filename: Annotated[
        str,
        Meta(
            min_length=1,
            description="Name of the file.",
            examples=["film.mp4"],
            extra_json_schema={"maxLength": MAX_FILENAME_LENGTH},
        ),
    ]
    type: Annotated[
        Annotated[
            str,
            Meta(
                extra_json_schema={
                    "maxLength": MAX_CONTENT_TYPE_LENGTH,
                    "pattern": CONTENT_TYPE_PATTERN,
                }
            ),
        ]
        | None,
        Meta(description="Media type of the file.", examples=["video/mp4"]),
    ] = None
    metadata: Annotated[
        dict[str, Any] | None,
        Meta(
            description="Any JSON. Entries that fit become user metadata of the object. A whole "
            "number as `size` declares the bytes of the file: the upload may not have more. "
            "`checksum_crc64nvme` declares its CRC-64/NVME in base64: an object with another one "
            "is deleted, and the upload aborted.",
            examples=[{"name": "film.mp4"}],
        ),
    ] = None

    def to_domain(self, principal: Principal) -> NewUpload:
        """Convert the request for the use case. Raise UserNotAllowedError."""
        return NewUpload(
            user_id=principal.resolve_user(None),
            filename=self.filename,
            content_type=self.type or "",
            metadata=select_metadata((self.metadata or {}).items()),
            # Uppy cuts the file itself.
            max_size=read_size(self.metadata or {}),
            checksum=read_checksum(self.metadata or {}),
            token=principal.token,
        )


class CreatedUpload(Struct, frozen=True, rename="camel"):
    """A started upload session; `upload_id` is the service's own, not S3's."""

    key: _ObjectKey
    upload_id: Annotated[str, Meta(description="Id of the upload session.", examples=[UPLOAD_ID])]
    bucket: _BucketName


class ListedPart(Struct, frozen=True):
    """A part as in S3's ListParts, the ETag in quotes."""

    number: Annotated[int, Meta(description="Part number.", examples=[1])] = field(
        name="PartNumber"
    )
    size: Annotated[int, Meta(description="Size of the part in bytes.", examples=[PART_SIZE])] = (
        field(name="Size")
    )
    etag: Annotated[str, Meta(description="ETag of the part, in quotes.", examples=[ETAG])] = field(
        name="ETag"
    )

    @classmethod
    def of(cls, part: Part) -> ListedPart:
        """Convert a part whose size is known."""
        return cls(part.number, part.size or 0, f'"{part.etag}"')


class PartUrl(Struct, frozen=True):
    """URL for the PUT of a part; Uppy 5 uses `expires`, in seconds, as a timeout."""

    url: Annotated[str, Meta(description="URL for the PUT of the part.", examples=[_SIGNED_URL])]
    expires: _Seconds

    @classmethod
    def of(cls, signed: SignedPart) -> PartUrl:
        """Convert a signed part."""
        return cls(signed.url, remaining_seconds(signed.expires_at))


class PartUrls(Struct, frozen=True):
    """URLs by part number."""

    urls: Annotated[
        Mapping[str, str],
        Meta(description="URL for the PUT of each part.", examples=[{"1": _SIGNED_URL}]),
    ] = field(name="presignedUrls")


def encode_part_urls(signed: SignedParts) -> Iterator[bytes]:
    """Yield the JSON of PartUrls, signing each piece just before it is sent."""

    def encode(numbers: Sequence[int]) -> bytes:
        return _encode({str(number): signed.sign(number) for number in numbers})

    return encode_urls(signed.numbers, encode, opening=b'{"presignedUrls":{', closing=b"}}")


class CompletedPart(Struct, frozen=True):
    """A part of the file; Uppy 6 sends ETags from S3 without quotes, ETags of the list with."""

    number: Annotated[
        int, Meta(ge=1, le=MAX_PART_COUNT, description="Part number.", examples=[1])
    ] = field(name="PartNumber")
    etag: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_ETAG_LENGTH,
            description="ETag of the part, with or without quotes.",
            examples=[ETAG],
        ),
    ] = field(name="ETag")


class CompleteRequest(Struct, frozen=True):
    """The parts that make up the file."""

    parts: Annotated[
        list[CompletedPart],
        Meta(max_length=MAX_PART_COUNT, description="All parts of the file, in any order."),
    ]

    def to_named_parts(self) -> list[NamedPart]:
        """Convert the parts for the use case."""
        return [NamedPart(part.number, part.etag) for part in self.parts]


class CompletedObject(Struct, frozen=True):
    """The completed object."""

    location: Annotated[str, Meta(description="URL of the object.", examples=[LOCATION])]
    key: _ObjectKey
    bucket: _BucketName

    @classmethod
    def of(cls, session: UploadSession, bucket: str) -> CompletedObject:
        """Convert a completed session."""
        location = session.result.location if session.result else ""
        return cls(location, session.key, bucket)


class SingleForm(Struct, frozen=True):
    """A form for the upload of a file in one request; `expires` is in seconds."""

    method: Annotated[str, Meta(description="Always `POST`.", examples=["POST"])]
    url: Annotated[
        str,
        Meta(
            description="URL to which to send the form.",
            examples=["https://bucket.s3.amazonaws.com/"],
        ),
    ]
    fields: Annotated[
        Mapping[str, str],
        Meta(
            description="Fields of the form, which must precede the file.",
            examples=[{"key": KEY, "success_action_status": "201", "policy": "..."}],
        ),
    ]
    expires: _Seconds

    @classmethod
    def of(cls, signed: SignedPost) -> SingleForm:
        """Convert a signed form."""
        return cls("POST", signed.url, signed.fields, remaining_seconds(signed.expires_at))


class NoContent(Struct, frozen=True):
    """The upload was discarded, or was already completed and remains."""


class CompanionError(ExtensionMembers, frozen=True, kw_only=True):
    """An error in the form that Uppy reads."""

    error: Annotated[str, Meta(description="Message for people.")]
    message: Annotated[str, Meta(description="The same message, which Uppy 5 shows.")]
    code: Annotated[str, Meta(description="Stable identifier of the error, for programs.")]
    request_id: Annotated[str, Meta(description="Value of the header X-Request-ID.")] = field(
        name="requestId"
    )


def remaining_seconds(time: datetime) -> int:
    """Return the whole seconds until a time; S3 counts from the signature, by our clock."""
    return max(0, int((time - datetime.now(UTC)).total_seconds()))
