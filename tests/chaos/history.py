"""What was acknowledged to clients; none of it may be undone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.upload import Upload

from .workload import End


@dataclass(slots=True)
class UploadHistory:
    """One upload as its client knows it: parts and ends are added once acknowledged.

    A part is `uncertain` if the client itself has cut a PUT of it: S3 may hold its beginning.
    """

    upload: Upload
    sha256: str
    wanted: End
    parts: dict[int, str] = field(default_factory=dict)
    uncertain: set[int] = field(default_factory=set)
    completed: Mapping[str, Any] | None = None
    is_aborted: bool = False

    @property
    def id(self) -> str:
        return str(self.upload.started["upload_id"])


def digest(parts: Iterable[bytes]) -> str:
    """Return the SHA-256 of a file, or of an object as it is downloaded."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()
