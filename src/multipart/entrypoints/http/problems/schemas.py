"""Schemas of problem details."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from ....domain.session import SessionState


class FieldError(Struct, frozen=True):
    """One wrong field of the request."""

    field: Annotated[
        str, Meta(description="Path of the field, such as `parts[3].etag`.", examples=["etag"])
    ]
    message: Annotated[str, Meta(description="The rule that it breaks.", examples=["is required"])]


_PartNumbers = Annotated[list[int], Meta(examples=[[2]])]


class ExtensionMembers(Struct, frozen=True, kw_only=True):
    """Extension members of an error; which of them are present depends on `code`."""

    errors: Annotated[
        list[FieldError] | UnsetType, Meta(description="Every field that is wrong.")
    ] = UNSET
    upload_status: Annotated[SessionState | UnsetType, Meta(description="State of the upload.")] = (
        UNSET
    )
    missing_parts: Annotated[
        _PartNumbers | UnsetType, Meta(description="Parts that S3 does not have.")
    ] = UNSET
    mismatched_parts: Annotated[
        _PartNumbers | UnsetType,
        Meta(description="Parts whose ETag or size in S3 differs from the report or the plan."),
    ] = UNSET
    unnamed_parts: Annotated[
        _PartNumbers | UnsetType,
        Meta(description="Parts that S3 has and the request to complete does not name."),
    ] = UNSET
    reason: Annotated[
        str | UnsetType,
        Meta(description="S3's own error code; for an expired upload `idle` or `max-age`."),
    ] = UNSET
    max_size: Annotated[
        int | UnsetType,
        Meta(description="Largest file or body that the service accepts, in bytes."),
    ] = UNSET
    declared_type: Annotated[
        str | UnsetType, Meta(description="The content type that the client declared.")
    ] = UNSET
    detected_type: Annotated[
        str | UnsetType, Meta(description="The media type that the bytes show.")
    ] = UNSET
    declared_checksum: Annotated[
        str | UnsetType, Meta(description="The CRC-64/NVME that the client declared.")
    ] = UNSET
    object_checksum: Annotated[
        str | UnsetType, Meta(description="The CRC-64/NVME of the object.")
    ] = UNSET
    max_uploads: Annotated[
        int | UnsetType, Meta(description="How many uploads the upload token allows.")
    ] = UNSET
    quota: Annotated[
        str | UnsetType,
        Meta(description="Which quota is exceeded: open_uploads, open_bytes or period_bytes."),
    ] = UNSET
    limit: Annotated[int | UnsetType, Meta(description="The quota.")] = UNSET
    resets_at: Annotated[
        Annotated[datetime, Meta(tz=True)] | UnsetType,
        Meta(description="When the period of a quota ends and the next one begins."),
    ] = UNSET


class Problem(ExtensionMembers, frozen=True, kw_only=True):
    """An error as RFC 9457 problem details."""

    type: Annotated[str, Meta(description="A URN that ends in `code`.")]
    title: Annotated[str, Meta(description="The phrase of the HTTP status.")]
    status: Annotated[int, Meta(description="The HTTP status.")]
    detail: Annotated[str, Meta(description="Message for people.")]
    code: Annotated[str, Meta(description="Stable identifier of the error, for programs.")]
