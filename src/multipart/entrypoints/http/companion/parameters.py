"""Path and query parameters of Companion's routes."""

from __future__ import annotations

import re
from typing import Annotated, Final

from litestar.params import PathParameter

from ....domain.errors import InvalidFieldError
from ....domain.limits import MAX_PART_COUNT
from ..example_values import UPLOAD_ID
from ..validation.limits import MAX_UPLOAD_ID_LENGTH, NO_NUL

MAX_BATCH: Final = 1000
_PART_NUMBER: Final = "([1-9][0-9]{0,3}|10000)"
PART_NUMBERS_PATTERN: Final = f"^{_PART_NUMBER}(,{_PART_NUMBER}){{0,{MAX_BATCH - 1}}}$"

UploadIdPath = Annotated[
    str,
    PathParameter(
        max_length=MAX_UPLOAD_ID_LENGTH,
        pattern=NO_NUL,
        description="The `uploadId` that the create route returned.",
        schema_extra={"min_length": 1, "examples": [UPLOAD_ID]},
    ),
]
PartNumberPath = Annotated[
    str,
    PathParameter(
        max_length=16,
        description=f"The part's number, 1 to {MAX_PART_COUNT}.",
        schema_extra={"pattern": f"^{_PART_NUMBER}$", "max_length": None, "examples": ["1"]},
    ),
]

_NUMBER: Final = re.compile(r"[0-9]{1,5}", re.ASCII)


def parse_part_number(text: str, field: str = "partNumber") -> int:
    """Parse a part number. Raise InvalidFieldError."""
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_PART_COUNT:
        raise InvalidFieldError(field, f"must be a whole number from 1 to {MAX_PART_COUNT}")
    return int(text)


def parse_part_numbers(text: str) -> list[int]:
    """Parse part numbers separated by commas. Raise InvalidFieldError."""
    texts = text.split(",")
    if len(texts) > MAX_BATCH:
        raise InvalidFieldError("partNumbers", f"must be {MAX_BATCH} at most")
    return [parse_part_number(text.strip(), "partNumbers") for text in texts]
