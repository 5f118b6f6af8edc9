"""The JSON of errors."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from ....domain.session import SessionState


class FieldError(Struct, frozen=True):
    """What is wrong with one field of the request."""

    field: Annotated[
        str, Meta(description="Path of the field, such as `parts[3].etag`.", examples=["etag"])
    ]
    message: Annotated[str, Meta(description="The rule that it breaks.", examples=["is required"])]


_PartNumbers = Annotated[list[int], Meta(examples=[[2]])]


class ExtensionMembers(Struct, frozen=True, kw_only=True):
    """The members of an error beyond its text; which of them are there depends on `code`."""

    errors: Annotated[
        list[FieldError] | UnsetType, Meta(description="Every field that is wrong.")
    ] = UNSET
    upload_status: Annotated[
        SessionState | UnsetType, Meta(description="The state that the upload is in.")
    ] = UNSET
    missing_parts: Annotated[
        _PartNumbers | UnsetType, Meta(description="Parts that S3 does not hold.")
    ] = UNSET
    mismatched_parts: Annotated[
        _PartNumbers | UnsetType,
        Meta(description="Parts that S3 holds with another ETag or size than reported or planned."),
    ] = UNSET
    unnamed_parts: Annotated[
        _PartNumbers | UnsetType,
        Meta(description="Parts that S3 holds and the request to complete does not name."),
    ] = UNSET
    reason: Annotated[
        str | UnsetType,
        Meta(description="S3's own error code; for an expired upload `idle` or `max-age`."),
    ] = UNSET
    max_size: Annotated[
        int | UnsetType,
        Meta(description="Largest file or body that the service accepts, in bytes."),
    ] = UNSET


class Problem(ExtensionMembers, frozen=True, kw_only=True):
    """An error as RFC 9457 problem details."""

    type: Annotated[str, Meta(description="A URN that ends in `code`.")]
    title: Annotated[str, Meta(description="The phrase of the HTTP status.")]
    status: Annotated[int, Meta(description="The HTTP status.")]
    detail: Annotated[str, Meta(description="A sentence for people.")]
    code: Annotated[str, Meta(description="Stable name of the error, for programs.")]
