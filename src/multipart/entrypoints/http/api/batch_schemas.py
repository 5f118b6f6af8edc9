"""The JSON of the routes that sign or record many parts at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.json import Encoder

from ....application.ports import SignedParts
from ....application.record_parts import PartReport
from ....application.session_reference import SessionReference
from ....domain.limits import MAX_PART_COUNT
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
    str, Meta(pattern=RANGE_PATTERN, description="From one number to another.", examples=["3-200"])
]


class SignPartsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which parts to sign: numbers and ranges such as `3-200`, or `all` that are planned."""

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

    def address(self) -> SessionReference:
        """Give it in the domain's words."""
        return SessionReference(upload_id=self.upload_id, key=self.key, user_id=self.user_id)

    def wanted(self) -> Sequence[range] | None:
        """Give the numbers, None for all."""
        if isinstance(self.part_numbers, str):
            return None
        return [_numbers(item) for item in self.part_numbers]


class SignedPartUrl(Struct, frozen=True, gc=False):
    """Where to PUT the bytes of one part."""

    part_number: Annotated[int, Meta(description="The part's number.", examples=[1])]
    signed_url: SignedUrlText


class SignedUrls(Struct, frozen=True):
    """URLs in the order asked for, on which to PUT until `expires_at`; no header is demanded."""

    urls: Annotated[list[SignedPartUrl], Meta(description="In the order asked for.")]
    expires_at: UrlExpiry


def encode_signed_urls(signed: SignedParts) -> Iterator[bytes]:
    """Yield the JSON of SignedUrls, signing as it goes."""

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
    """A part that S3 has taken, with the ETag of S3's answer, quoted or not."""

    part_number: PartNumber
    etag: ETag
    size: PartSize = None


class RecordPartsRequest(SessionRequest, frozen=True):
    """Parts that S3 has taken; all are checked before any is recorded."""

    parts: Annotated[
        list[ReportedPart],
        Meta(
            min_length=1, max_length=MAX_PART_COUNT, description="The last report of a number wins."
        ),
    ]

    def reports(self) -> Iterator[PartReport]:
        """Give them in the domain's words."""
        return (PartReport(part.part_number, part.etag, part.size) for part in self.parts)


def _numbers(item: int | str) -> range:
    if isinstance(item, int):
        return range(item, item + 1)
    first, _, last = item.partition("-")
    return range(int(first), int(last) + 1)
