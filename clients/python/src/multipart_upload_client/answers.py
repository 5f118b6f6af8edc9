"""Read the JSON of the service's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from .models import UploadReference, UploadResult, UploadStatus, UploadSummary
from .plan import PartPlan

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StartedUpload:
    """A started upload and, if its size was declared, its plan."""

    reference: UploadReference
    status: str
    plan: PartPlan | None


@dataclass(frozen=True, slots=True)
class UploadPage:
    """A page of a list, and the cursor of the next."""

    uploads: list[UploadSummary]
    next_cursor: str | None


def read_started(answer: Json, size: int | None) -> StartedUpload:
    """Read the answer of start-upload for a file of this size, None if it was not declared."""
    reference = UploadReference(answer["upload_id"], answer["key"])
    plan = None if size is None else PartPlan(size, answer["part_size"], answer["part_count"])
    return StartedUpload(reference, answer["status"], plan)


def read_result(answer: Json, reference: UploadReference) -> UploadResult:
    """Read the answer of complete-upload."""
    return UploadResult(
        reference.upload_id,
        answer["key"],
        answer["location"],
        answer["etag"],
        int(answer["size"]),
        answer.get("receipt"),
        answer["checksum_crc64nvme"],
        answer["checksum_verified"],
    )


def read_page(answer: Json) -> UploadPage:
    """Read the answer of uploads."""
    uploads = [UploadSummary(**_summary(found)) for found in answer["uploads"]]
    return UploadPage(uploads, answer["next_cursor"])


def read_status(answer: Json) -> UploadStatus:
    """Read the answer of upload-status."""
    missing = answer["missing_parts"]
    return UploadStatus(
        **_summary(answer),
        parts_recorded=answer["parts_recorded"],
        parts_verified=answer["parts_verified"],
        bytes_verified=answer["bytes_verified"],
        missing_parts=None if missing is None else tuple(missing),
        parts_lost=answer["parts_lost"],
        receipt=answer.get("receipt"),
        checksum=answer["checksum_crc64nvme"],
        is_verified=answer["checksum_verified"],
    )


def read_time(text: str) -> datetime:
    """Read a time in RFC 3339."""
    return datetime.fromisoformat(text)


def _summary(answer: Json) -> dict[str, Any]:
    """Return the fields of an UploadSummary; later versions of the service may answer more."""
    names = [field.name for field in fields(UploadSummary)]
    return {
        name: read_time(answer[name]) if name.endswith("_at") else answer[name] for name in names
    }
