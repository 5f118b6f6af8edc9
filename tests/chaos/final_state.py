"""The state after all rounds: database rows, objects, and the uploads open in S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from multipart_upload.domain.part import bare_etag
from multipart_upload.domain.validation import UPLOAD_ID_METADATA_KEY
from tests.e2e.bucket import Bucket

from .history import UploadHistory, digest
from .rows import Rows, SessionRow


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object as a client downloads it; `upload_id` comes from its metadata."""

    sha256: str
    etag: str
    upload_id: str | None


@dataclass(frozen=True, slots=True)
class FoundUpload:
    """An upload open in S3, with the ETags of its parts by number."""

    key: str
    store_upload_id: str
    parts: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class FinalState:
    """Everything stored, objects by key. If S3 `may_lose` open uploads, a row may say so."""

    may_lose: bool
    histories: Sequence[UploadHistory]
    rows: Rows
    uploads: Sequence[FoundUpload]
    objects: Mapping[str, FoundObject]
    rows_by_key: Mapping[str, SessionRow] = field(init=False)

    def __post_init__(self) -> None:
        rows_by_key = {row.key: row for row in self.rows.sessions.values()}
        object.__setattr__(self, "rows_by_key", rows_by_key)

    @classmethod
    def read(
        cls, histories: Sequence[UploadHistory], rows: Rows, bucket: Bucket, *, may_lose: bool
    ) -> Self:
        return cls(may_lose, histories, rows, list(_uploads(bucket)), dict(_objects(bucket)))

    def needs_upload(self, row: SessionRow) -> bool:
        """Return whether S3 must have an open upload for this row."""
        return row.is_open and not (row.is_lost and self.may_lose)

    def upload_of(self, row: SessionRow) -> FoundUpload | None:
        """Find the open upload that belongs to a row."""
        named = (row.key, row.store_upload_id)
        return next((one for one in self.uploads if (one.key, one.store_upload_id) == named), None)


def empty_bucket(bucket: Bucket) -> None:
    """Delete all objects, to free the disk."""
    for key in list(_keys(bucket)):
        bucket.client.delete_object(Bucket=bucket.name, Key=key)


def _uploads(bucket: Bucket) -> Iterator[FoundUpload]:
    pages = bucket.client.get_paginator("list_parts")
    listed = bucket.client.list_multipart_uploads(Bucket=bucket.name)
    if listed["IsTruncated"]:
        msg = "more uploads are open than one page lists"
        raise RuntimeError(msg)
    for found in listed.get("Uploads", []):
        named = {"Key": found["Key"], "UploadId": found["UploadId"]}
        parts: dict[int, str] = {
            part["PartNumber"]: bare_etag(part["ETag"])
            for page in pages.paginate(Bucket=bucket.name, **named)
            for part in page.get("Parts", [])
        }
        yield FoundUpload(found["Key"], found["UploadId"], parts)


def _objects(bucket: Bucket) -> Iterator[tuple[str, FoundObject]]:
    for key in _keys(bucket):
        found: dict[str, Any] = bucket.client.get_object(Bucket=bucket.name, Key=key)
        sha256 = digest(found["Body"].iter_chunks(1024 * 1024))
        upload_id = found["Metadata"].get(UPLOAD_ID_METADATA_KEY)
        yield key, FoundObject(sha256, bare_etag(found["ETag"]), upload_id)


def _keys(bucket: Bucket) -> Iterator[str]:
    pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
    for page in pages:
        yield from (str(found["Key"]) for found in page.get("Contents", []))
