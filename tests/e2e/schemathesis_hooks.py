"""Findings of Schemathesis that are no faults; it loads this module in its own process."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import schemathesis

_PLAN: Final = "The part plan of the session decides, which a schema cannot express."
_CURSOR: Final = "A cursor is opaque: only one from an earlier response is accepted."
_TEXT: Final = "A regular expression of JSON Schema cannot exclude all unprintable characters."


@dataclass(frozen=True, slots=True)
class Allowed:
    """A finding that is no fault, by check, operation, error code and field."""

    finding: str
    operations: str
    code: str
    field: str
    reason: str

    def covers(self, finding: str, operation: str, code: str, field: str) -> bool:
        return (finding, code) == (self.finding, self.code) and all(
            re.fullmatch(pattern, text)
            for pattern, text in ((self.operations, operation), (self.field, field))
        )


_REJECTED: Final = "RejectedPositiveData"
ALLOWED: Final = (
    Allowed(_REJECTED, "listUploads", "invalid-field", "cursor", _CURSOR),
    Allowed(
        _REJECTED,
        "startUpload",
        "idempotency-key-reused",
        "Idempotency-Key",
        "The key was used with another body before.",
    ),
    Allowed(_REJECTED, "startUpload", "invalid-field", "user_id", _TEXT),
    Allowed(
        _REJECTED,
        "startUpload",
        "invalid-field",
        "metadata.*",
        f"All entries together are bounded, and names differ by more than case. {_TEXT}",
    ),
    Allowed(_REJECTED, "createUploadToken", "invalid-field", "user_id|metadata.*", _TEXT),
    Allowed(_REJECTED, "getSignedUrl", "invalid-field", "part_number|content_length", _PLAN),
    Allowed(_REJECTED, "getSignedUrls", "invalid-field", r"part_numbers(\[\d+\])?", _PLAN),
    Allowed(_REJECTED, "recordPart", "invalid-field", "part_number|size", _PLAN),
    Allowed(_REJECTED, "recordParts", "invalid-field", r"parts\[\d+\]\.(part_number|size)", _PLAN),
    Allowed(
        _REJECTED,
        "completeUpload",
        "invalid-field",
        "checksum_crc64nvme",
        "The checksum must be the one that the start declared, which a schema cannot express.",
    ),
    Allowed(
        _REJECTED,
        "s3GetCredentials",
        "malformed-request",
        "",
        "The route always refuses, as Companion does without temporary credentials.",
    ),
    Allowed(
        "AcceptedNegativeData",
        "startUpload",
        "file-too-large",
        "",
        "A refusal, with 413: the size is over the limit.",
    ),
    Allowed(
        "AcceptedNegativeData",
        ".*",
        "body-too-large",
        "",
        "A refusal, with 413: so many parts make a body over the limit.",
    ),
    Allowed(
        "EnsureResourceAvailability",
        "completeUpload|s3CompleteMultipartUpload",
        "upload-not-found",
        "",
        "The original contract: without any part, complete answers 404.",
    ),
)
# Litestar 2.25 answers OPTIONS only with the methods of the first handler of a path.
_OPTIONS: Final = ("AllowHeaderMismatch", "OPTIONS")


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:  # noqa: ARG001
    """Keep a finding unless it is allowed."""
    finding = type(failure).__name__
    if (finding, case.method.upper()) == _OPTIONS:
        return False
    # JSON Schema counts 1.0 as an integer; the service does not.
    if finding == _REJECTED and _has_float(case.body):
        return False
    operation = case.operation.definition.raw.get("operationId", "")
    answer = _json(response.content)
    fields = [error["field"] for error in answer.get("errors", ())] or [""]
    return not all(
        any(
            allowed.covers(finding, operation, answer.get("code", ""), field) for allowed in ALLOWED
        )
        for field in fields
    )


def _has_float(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    return any(map(_has_float, value)) if isinstance(value, list) else isinstance(value, float)


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
