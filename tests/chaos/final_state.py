"""The state after all rounds: database rows, objects, and the uploads open in S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from .history import UploadHistory
from .rows import Rows, SessionRow
from .storage import FoundObject, FoundUpload, Storage


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
        cls, histories: Sequence[UploadHistory], rows: Rows, storage: Storage, *, may_lose: bool
    ) -> Self:
        uploads, objects = list(storage.read_uploads()), dict(storage.read_objects())
        return cls(may_lose, histories, rows, uploads, objects)

    def needs_upload(self, row: SessionRow) -> bool:
        """Return whether S3 must have an open upload for this row."""
        return row.is_open and not (row.is_lost and self.may_lose)

    def upload_of(self, row: SessionRow) -> FoundUpload | None:
        """Find the open upload that belongs to a row."""
        named = (row.key, row.store_upload_id)
        return next((one for one in self.uploads if (one.key, one.store_upload_id) == named), None)
