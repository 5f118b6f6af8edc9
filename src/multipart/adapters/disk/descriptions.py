"""What is stored beside an object and beside an open upload, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from ...application.ports import NewObject
from .files import write_file

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadDescription:
    """An open upload."""

    key: str
    upload_id: str
    nonce: str | None
    filename: str
    content_type: str
    metadata: Mapping[str, str]
    initiated_at: datetime

    @classmethod
    def of(cls, new: NewObject, initiated_at: datetime) -> UploadDescription:
        """Describe an upload of a new object."""
        return cls(
            key=new.key,
            upload_id=new.upload_id,
            nonce=new.nonce,
            filename=new.filename,
            content_type=new.content_type,
            metadata=dict(new.metadata),
            initiated_at=initiated_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDescription:
    """A finished object; the ETag is bare.

    `checksum` is None for an object that an earlier release has stored.
    """

    key: str
    etag: str
    upload_id: str
    nonce: str | None
    filename: str
    content_type: str
    metadata: Mapping[str, str]
    checksum: str | None = None

    @classmethod
    def of(cls, upload: UploadDescription, etag: str, checksum: str) -> ObjectDescription:
        """Describe the object of an upload."""
        return cls(
            key=upload.key,
            etag=etag,
            upload_id=upload.upload_id,
            nonce=upload.nonce,
            filename=upload.filename,
            content_type=upload.content_type,
            metadata=upload.metadata,
            checksum=checksum,
        )


def write_description(path: Path, described: UploadDescription | ObjectDescription) -> None:
    """Write a description durably."""
    write_file(path, msgspec.json.encode(described))


def read_description(path: Path, kind: type[T]) -> T:
    """Read a description. Raise FileNotFoundError if there is none."""
    return msgspec.json.decode(path.read_bytes(), type=kind)
