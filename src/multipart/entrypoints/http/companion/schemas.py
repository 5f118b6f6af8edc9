"""The JSON of Companion's S3 routes; names are its own, `PartNumber` and `ETag` S3's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from ....application.complete_named_parts import NamedPart
from ....application.ports import SignedPart, SignedPost
from ....application.start_upload import NewUpload
from ....domain.limits import MAX_PART_COUNT
from ....domain.part import Part
from ....domain.session import UploadSession
from .metadata import kept_metadata

MAX_ETAG_LENGTH: Final = 130


class CreateRequest(Struct, frozen=True):
    """A file to upload; Uppy leaves `type` out or empty where the browser knows none."""

    filename: Annotated[str, Meta(min_length=1)]
    type: str | None = None
    metadata: dict[str, Any] | None = None

    def to_domain(self, user_id: str) -> NewUpload:
        """Give it in the domain's words."""
        return NewUpload(
            user_id=user_id,
            filename=self.filename,
            content_type=self.type or "",
            metadata=kept_metadata((self.metadata or {}).items()),
        )


class CreatedUpload(Struct, frozen=True, rename="camel"):
    """A session; `upload_id` is ours, not S3's."""

    key: str
    upload_id: str
    bucket: str


class ListedPart(Struct, frozen=True):
    """A part as S3's ListParts has it, the ETag in quotes."""

    number: int = field(name="PartNumber")
    size: int = field(name="Size")
    etag: str = field(name="ETag")

    @classmethod
    def of(cls, part: Part) -> ListedPart:
        """Show a part whose size is known."""
        return cls(part.number, part.size or 0, f'"{part.etag}"')


class SignedUrl(Struct, frozen=True):
    """Where to PUT a part; `expires` in seconds, from which Uppy 5 makes its own timeout."""

    url: str
    expires: int

    @classmethod
    def of(cls, signed: SignedPart) -> SignedUrl:
        """Show a signed part."""
        return cls(signed.url, seconds_until(signed.expires_at))


class SignedUrls(Struct, frozen=True):
    """URLs by part number."""

    urls: Mapping[str, str] = field(name="presignedUrls")


class CompletedPart(Struct, frozen=True):
    """A part to join; Uppy 6 sends its own ETags bare and those of the list as it got them."""

    number: Annotated[int, Meta(ge=1, le=MAX_PART_COUNT)] = field(name="PartNumber")
    etag: Annotated[str, Meta(min_length=1, max_length=MAX_ETAG_LENGTH)] = field(name="ETag")


class CompleteRequest(Struct, frozen=True):
    """The parts that the file is made of."""

    parts: Annotated[list[CompletedPart], Meta(max_length=MAX_PART_COUNT)]

    def named(self) -> list[NamedPart]:
        """Give them in the domain's words."""
        return [NamedPart(part.number, part.etag) for part in self.parts]


class CompletedUpload(Struct, frozen=True):
    """Where the object is."""

    location: str
    key: str
    bucket: str

    @classmethod
    def of(cls, session: UploadSession, bucket: str) -> CompletedUpload:
        """Show a completed session."""
        location = session.result.location if session.result else ""
        return cls(location, session.key, bucket)


class SingleForm(Struct, frozen=True):
    """A form for a file in one request: `fields`, then the file; `expires` in seconds."""

    method: str
    url: str
    fields: Mapping[str, str]
    expires: int

    @classmethod
    def of(cls, signed: SignedPost) -> SingleForm:
        """Show a signed form."""
        return cls("POST", signed.url, signed.fields, seconds_until(signed.expires_at))


def seconds_until(time: datetime) -> int:
    """Give the whole seconds that are left; S3 counts from the signature, so by our clock."""
    return max(0, int((time - datetime.now(UTC)).total_seconds()))
