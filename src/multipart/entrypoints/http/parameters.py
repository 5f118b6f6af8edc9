"""Query parameters and headers that routes share."""

from __future__ import annotations

from typing import Annotated

from litestar.params import HeaderParameter, QueryParameter

from ...domain.checksum import CHECKSUM_PATTERN
from ...domain.limits import MAX_PART_COUNT, MAX_PART_SIZE
from ...domain.validation import MAX_USER_ID_LENGTH
from .example_values import CHECKSUM, KEY, PART_SIZE, UPLOAD_ID
from .validation.limits import IDEMPOTENCY_KEY_PATTERN, MAX_KEY_LENGTH, MAX_UPLOAD_ID_LENGTH, NO_NUL

UploadIdQuery = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=MAX_UPLOAD_ID_LENGTH,
        pattern=NO_NUL,
        description="The `upload_id` that start-upload returned.",
        schema_extra={"examples": [UPLOAD_ID]},
    ),
]
KeyQuery = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=NO_NUL,
        description="The object key returned when the upload was started.",
        schema_extra={"examples": [KEY]},
    ),
]
ListedUserIdQuery = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=NO_NUL,
        description="User whose uploads are listed.",
        schema_extra={"examples": ["alice"]},
    ),
]
OptionalUserIdQuery = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=MAX_USER_ID_LENGTH,
        pattern=NO_NUL,
        description="If given, must be the session's user.",
        schema_extra={"examples": ["alice"]},
    ),
]
PartNumberQuery = Annotated[
    int,
    QueryParameter(
        ge=1,
        le=MAX_PART_COUNT,
        description="Number of the part to sign.",
        schema_extra={"examples": [1]},
    ),
]
ChecksumQuery = Annotated[
    str | None,
    QueryParameter(
        pattern=CHECKSUM_PATTERN,
        description="CRC-64/NVME of the part, in base64 as S3 writes it. It is signed where the "
        "store can check it: the store then refuses other bytes.",
        schema_extra={"examples": [CHECKSUM]},
    ),
]
ContentLengthQuery = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=MAX_PART_SIZE,
        description="Bytes of the part, which are signed: the store refuses any other length. A "
        "planned part has its length from the plan; another value is 422.",
        # Litestar ignores a bound of 0.
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
        description="Random text, such as a UUID. A repeated start with the same key returns the "
        "same upload.",
        schema_extra={"examples": ["8f14e45f-ceea-467f-a8cc-1c2b6a0f7d10"]},
    ),
]
