"""What callers pass and receive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, TypedDict

OPEN: Final = frozenset({"pending", "initiated", "in-progress"})
"""The states in which an upload takes parts."""


@dataclass(frozen=True, slots=True)
class UploadReference:
    """Identifies an upload in the service."""

    upload_id: str
    key: str


@dataclass(frozen=True, slots=True)
class UploadResult:
    """A completed upload; `receipt` is None if the service signs none."""

    upload_id: str
    key: str
    location: str
    etag: str
    size: int
    receipt: str | None = None
    checksum: str | None = None
    """CRC-64/NVME by the store, in base64; None if the store computes none."""
    is_verified: bool = False
    """Whether the store's checksum is that of the bytes sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSummary:
    """An upload as the service lists it."""

    upload_id: str
    key: str
    user_id: str
    filename: str
    content_type: str
    status: str
    size: int | None
    part_size: int | None
    part_count: int | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    location: str | None
    etag: str | None

    @property
    def reference(self) -> UploadReference:
        return UploadReference(self.upload_id, self.key)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStatus(UploadSummary):
    """An upload and its parts in the store."""

    parts_recorded: int
    parts_verified: int
    bytes_verified: int
    missing_parts: tuple[int, ...] | None
    parts_lost: bool
    receipt: str | None = None
    checksum: str | None
    is_verified: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload is.

    `sent` are bytes in the store or on their way there. It falls when a part has to be sent again.
    `resumed` of them had arrived in an earlier run. `size` and `part_count` are None for a stream.
    """

    filename: str
    sent: int
    size: int | None
    resumed: int
    parts_sent: int
    part_count: int | None


Source = str | Path | BinaryIO
"""A path; a binary file, uploaded from its current position; or a stream that cannot seek."""

OnProgress = Callable[[Progress], None]


class UploadOptions(TypedDict, total=False):
    """The options of `upload`. All have defaults."""

    filename: str
    """[the name of the file, or "stream"]"""
    content_type: str
    """[guessed from the file name]"""
    metadata: Mapping[str, str]
    """User metadata of the object. [none]"""
    on_progress: OnProgress
    """Called after every piece of at most 1 MiB. An exception cancels the upload."""
    on_started: Callable[[UploadReference], None]
    """Called once the service has the upload."""
    reference: UploadReference
    """Resume this upload, whose parts the service knows. Needs a file that can seek."""
    resume: bool
    """Resume the upload that the state folder has of this file; False discards it. [True]"""
    abort_on_cancel: bool
    """Whether a cancelled upload of a file is discarded; False keeps it for later. [True]"""
    expected_size: int
    """About how many bytes a stream will have: over 156 GiB it needs parts of over 16 MiB."""
