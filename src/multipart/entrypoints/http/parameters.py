"""Query parameters that more than one route takes."""

from __future__ import annotations

from typing import Annotated

from litestar.params import HeaderParameter, QueryParameter

from ...domain.limits import MAX_PART_COUNT, MAX_PART_SIZE
from ...domain.validation import MAX_USER_ID_LENGTH
from .example_values import KEY, PART_SIZE, UPLOAD_ID
from .validation.limits import IDEMPOTENCY_KEY_PATTERN, MAX_KEY_LENGTH, MAX_UPLOAD_ID_LENGTH, NO_NUL

UploadIdQuery = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=MAX_UPLOAD_ID_LENGTH,
        pattern=NO_NUL,
        description="The `upload_id` that start-upload answered.",
        schema_extra={"examples": [UPLOAD_ID]},
    ),
]
KeyQuery = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=NO_NUL,
        description="The object key that start-upload answered.",
        schema_extra={"examples": [KEY]},
    ),
]
UserIdQuery = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=NO_NUL,
        description="Whose sessions.",
        schema_extra={"examples": ["alice"]},
    ),
]
OptionalUserIdQuery = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=NO_NUL,
        description="Compared with the session's user when given.",
        schema_extra={"examples": ["alice"]},
    ),
]
PartNumberQuery = Annotated[
    int,
    QueryParameter(
        ge=1,
        le=MAX_PART_COUNT,
        description="The part to sign.",
        schema_extra={"examples": [1]},
    ),
]
ContentLengthQuery = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=MAX_PART_SIZE,
        description="Bytes of the part. When given it is signed: S3 takes no other length.",
        # Litestar takes a bound of 0 for none.
        schema_extra={"minimum": 0, "examples": [PART_SIZE]},
    ),
]
IdempotencyKeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=16,
        max_length=255,
        pattern=IDEMPOTENCY_KEY_PATTERN,
        description="A random text, such as a UUID: the same key gives the same upload again.",
        schema_extra={"examples": ["8f14e45f-ceea-467f-a8cc-1c2b6a0f7d10"]},
    ),
]
