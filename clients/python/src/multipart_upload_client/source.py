"""What is uploaded: a file that can be read at any offset, or a stream that is read once."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from .errors import SourceChangedError


@dataclass(slots=True)
class FileSource:
    """A file that can seek. Its methods block; `read` may be called by several threads."""

    file: BinaryIO
    start: int
    size: int
    path: Path | None = None
    """None for a file that the caller has opened, which may be no real one."""
    modified_at: int = 0
    """In nanoseconds; with the size it tells whether the file has changed."""
    _lock: Lock = field(default_factory=Lock)

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly these bytes. Raise SourceChangedError if the file has become shorter."""
        with self._lock:
            self.file.seek(self.start + offset)
            found = read_fully(self.file, size)
        if len(found) < size:
            raise SourceChangedError
        return found

    def require_unchanged(self) -> None:
        """Raise SourceChangedError."""
        if self.path is None:
            return
        found = os.fstat(self.file.fileno())
        if (found.st_size, found.st_mtime_ns) != (self.size, self.modified_at):
            raise SourceChangedError

    def close(self) -> None:
        """Close the file if this object has opened it."""
        if self.path is not None:
            with self._lock:
                self.file.close()


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A stream of unknown length, read once from front to back."""

    stream: BinaryIO
    path: Path | None = None

    def close(self) -> None:
        """Close the stream if this object has opened it."""
        if self.path is not None:
            self.stream.close()


def open_source(source: str | Path | BinaryIO) -> FileSource | StreamSource:
    """Open a path, or find out whether an open file can seek."""
    if isinstance(source, (str, os.PathLike)):
        return _open_path(Path(source))
    try:
        start = source.tell()
        size = source.seek(0, io.SEEK_END) - start
        source.seek(start)
    except (OSError, ValueError, AttributeError):  # a pipe, a socket, a compressed file
        return StreamSource(source)
    return FileSource(source, start, size)


def read_fully(stream: BinaryIO, size: int) -> bytes:
    """Read until there are `size` bytes or the stream ends; pipes return less at a time."""
    first = stream.read(size) or b""
    if len(first) in {0, size}:
        return first
    pieces, missing = [first], size - len(first)
    while missing and (piece := stream.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _open_path(path: Path) -> FileSource | StreamSource:
    file = path.open("rb", buffering=0)
    if not path.is_file():  # a pipe or a device
        return StreamSource(file, path)
    found = os.fstat(file.fileno())
    return FileSource(file, 0, found.st_size, path, found.st_mtime_ns)
