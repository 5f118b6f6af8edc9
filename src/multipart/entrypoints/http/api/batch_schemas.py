"""Schemas of the routes that sign or record many parts at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.json import Encoder

from ....application.ports import SignedParts
from ....application.record_parts import PartReport
from ....application.session_reference import SessionReference
from ....domain.limits import MAX_PART_COUNT
from ....domain.principal import Principal
from ..responses import encode_urls
from ..validation.limits import RANGE_PATTERN
from .schemas import (
    ComparedUserId,
    ETag,
    Key,
    PartNumber,
    PartSize,
    SessionRequest,
    SignedUrlText,
    UploadId,
    UrlExpiry,
)

_encode: Final = Encoder().encode

PartRange = Annotated[
    str,
    Meta(
        pattern=RANGE_PATTERN,
        description="A range of part numbers, both ends included.",
        examples=["3-200"],
    ),
]


class SignPartsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The parts to sign: numbers and ranges such as `3-200`, or `all` of the part plan."""

    upload_id: UploadId
    key: Key
    part_numbers: Annotated[
        Literal["all"]
        | Annotated[list[PartNumber | PartRange], Meta(min_length=1, max_length=MAX_PART_COUNT)],
        Meta(
            description="Numbers and ranges in any order, or `all` of the part plan.",
            examples=[[1, "2-3"]],
        ),
    ]
    user_id: ComparedUserId = None

    def to_reference(self, principal: Principal) -> SessionReference:
        """Convert the session fields for the use case. Raise UserNotAllowedError."""
        return SessionReference.by(
            principal, upload_id=self.upload_id, key=self.key, user_id=self.user_id
        )

    def to_ranges(self) -> Sequence[range] | None:
        """Return the ranges of part numbers, None for all."""
        if isinstance(self.part_numbers, str):
            return None
        return [_range(item) for item in self.part_numbers]


class SignedPartUrl(Struct, frozen=True, gc=False):
    """URL for the PUT of one part."""

    part_number: Annotated[int, Meta(description="Part number.", examples=[1])]
    signed_url: SignedUrlText


class SignedUrls(Struct, frozen=True):
    """URLs in the requested order, valid until `expires_at`; the PUT needs no headers."""

    urls: Annotated[list[SignedPartUrl], Meta(description="URLs in the requested order.")]
    expires_at: UrlExpiry


def encode_signed_urls(signed: SignedParts) -> Iterator[bytes]:
    """Yield the JSON of SignedUrls, signing each piece just before it is sent."""

    def encode(numbers: Sequence[int]) -> bytes:
        return _encode([SignedPartUrl(number, signed.sign(number)) for number in numbers])

    expires_at = _encode(signed.expires_at)
    return encode_urls(
        signed.numbers,
        encode,
        opening=b'{"urls":[',
        closing=b'],"expires_at":' + expires_at + b"}",
    )


class ReportedPart(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A part that S3 has accepted, with the ETag of S3's answer."""

    part_number: PartNumber
    etag: ETag
    size: PartSize = None


class RecordPartsRequest(SessionRequest, frozen=True):
    """Parts that S3 has accepted; all are checked before any is recorded."""

    parts: Annotated[
        list[ReportedPart],
        Meta(
            min_length=1,
            max_length=MAX_PART_COUNT,
            description="The last report of a part number wins.",
        ),
    ]

    def to_reports(self) -> Iterator[PartReport]:
        """Convert the parts for the use case."""
        return (PartReport(part.part_number, part.etag, part.size) for part in self.parts)


def _range(item: int | str) -> range:
    if isinstance(item, int):
        return range(item, item + 1)
    first, _, last = item.partition("-")
    return range(int(first), int(last) + 1)
