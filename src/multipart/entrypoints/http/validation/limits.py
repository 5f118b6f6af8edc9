"""Lengths and regular expressions of the fields on the wire, and the messages for the latter.

The lookahead at the end of a pattern is for Python, whose $ also matches before a line break.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ....domain.checksum import CHECKSUM_PATTERN, CHECKSUM_RULE

MAX_UPLOAD_ID_LENGTH: Final = 64
MAX_KEY_LENGTH: Final = 1024
NO_NUL: Final = r"^[^\x00]*$"
"""PostgreSQL stores no NUL in a text, and no field of the service contains one."""

# RFC 9110 8.8.3 without weak ETags: a bare or quoted run of visible ASCII.
ETAG_PATTERN: Final = r'^("[\x21\x23-\x7e]{1,128}"|[\x21\x23-\x7e]{1,128})$(?!\n)'
RANGE_PATTERN: Final = r"^[0-9]{1,5}-[0-9]{1,5}$(?!\n)"
IDEMPOTENCY_KEY_PATTERN: Final = r"^[\x21-\x7e]+$(?!\n)"
# RFC 3339 5.6 with a zone, in the years that the service accepts.
TIME_PATTERN: Final = (
    r"^(19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})$(?!\n)"
)
TIME_RULE: Final = "must be an RFC 3339 time from 1970 to 2999, such as 2026-11-20T10:04:00Z"

RULES: Final[Mapping[str, str]] = {
    ETAG_PATTERN: "must be the ETag of S3's answer: 32 hex characters, or what the store sent "
    "instead (1 to 128 visible ASCII characters), with or without quotes",
    RANGE_PATTERN: "must be a range such as 3-200",
    IDEMPOTENCY_KEY_PATTERN: "must be 16 to 255 visible ASCII characters, such as a UUID",
    TIME_PATTERN: TIME_RULE,
    CHECKSUM_PATTERN: CHECKSUM_RULE,
}
"""The message for text that does not match; for NO_NUL it is part of the rule on length."""
