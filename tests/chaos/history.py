"""What clients were told: nothing of it may ever be taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.upload import Upload

from .workload import End


@dataclass(slots=True)
class Told:
    """One upload as its client knows it: parts and ends stand here once they were acknowledged.

    Of a `doubtful` part the client itself has cut a PUT: the store may hold its beginning.
    """

    upload: Upload
    sha256: str
    wanted: End
    parts: dict[int, str] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    completed: Mapping[str, Any] | None = None
    is_aborted: bool = False

    @property
    def id(self) -> str:
        return str(self.upload.started["upload_id"])


def digest(parts: Iterable[bytes]) -> str:
    """Give the SHA-256 of a file, or of an object as it is downloaded."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()
