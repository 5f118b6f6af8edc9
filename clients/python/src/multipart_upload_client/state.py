"""The state file of an upload, with which a later run resumes it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from .models import UploadReference

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SavedUpload:
    """An unfinished upload.

    `fields` is the body of start-upload, and `modified_at` the file's time in nanoseconds: if
    either differs, the file has changed.
    """

    fields: Mapping[str, Any]
    modified_at: int
    idempotency_key: str
    reference: UploadReference | None = None
    arrived: frozenset[int] = frozenset()
    """Numbers of the parts that the store has acknowledged."""

    def to_json(self) -> str:
        reference = self.reference
        return json.dumps(
            {
                "version": _VERSION,
                "fields": self.fields,
                "modified_at": self.modified_at,
                "idempotency_key": self.idempotency_key,
                "upload_id": reference and reference.upload_id,
                "key": reference and reference.key,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raise ValueError, KeyError or TypeError if the text is not of this version."""
        found = json.loads(text)
        if found["version"] != _VERSION:
            msg = "another version"
            raise ValueError(msg)
        is_started = found["upload_id"] is not None
        return cls(
            dict(found["fields"]),
            int(found["modified_at"]),
            str(found["idempotency_key"]),
            UploadReference(found["upload_id"], found["key"]) if is_started else None,
        )


@dataclass(frozen=True, slots=True)
class StateFile:
    """One line of JSON, then a line with the number of every part that the store acknowledged.

    The service knows what the store holds, but a store may hold wrong bytes of a part whose
    connection was cut (versitygw 1.8 does).
    """

    path: Path

    @classmethod
    def in_folder(cls, folder: Path, api: str, user_id: str | None, file: Path) -> Self:
        """Return the state file for a file that a user uploads to a service."""
        identity = json.dumps([api, user_id, str(file.resolve())])
        return cls(folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.upload")

    def load(self) -> SavedUpload | None:
        """Return what was saved. None if there is nothing that this version can read."""
        try:
            head, *lines = self.path.read_text(encoding="utf-8").split("\n")
            saved = SavedUpload.from_json(head)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        # What follows the last line break is empty, or was cut by a crash.
        return replace(saved, arrived=frozenset(int(line) for line in lines[:-1] if line.isdigit()))

    def save(self, saved: SavedUpload) -> None:
        """Replace the file in one step, without any arrived parts."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        temporary.touch(mode=0o600)
        with temporary.open("w", encoding="utf-8") as file:
            file.write(saved.to_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def add_arrived(self, number: int) -> None:
        """Add a part that the store has acknowledged."""
        # Another run of the same file may have removed the state.
        with suppress(FileNotFoundError), self.path.open("r+", encoding="utf-8") as file:
            file.seek(0, os.SEEK_END)
            file.write(f"{number}\n")

    def keep_arrived(self, numbers: Iterable[int]) -> None:
        """Remove all other parts, which will be sent again."""
        with suppress(FileNotFoundError), self.path.open("r+", encoding="utf-8") as file:
            file.readline()
            file.seek(file.tell())
            file.truncate()
            file.writelines(f"{number}\n" for number in numbers)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
