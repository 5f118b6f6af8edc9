"""The parts of an open upload, as files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from ...domain.checksum import crc64nvme
from ...domain.part import StoredPart
from .files import sync_folder, temporary_name
from .layout import part_name

_MD5_BYTES: Final = 16
_CRC_BYTES: Final = 8
TRAILER_BYTES: Final = _MD5_BYTES + _CRC_BYTES
"""What follows the bytes of a part in its file: their MD5 and CRC-64/NVME."""


@dataclass(frozen=True, slots=True)
class PartTrailer:
    """The digests of a part: the ETag in hexadecimal, and the CRC-64/NVME."""

    etag: str
    crc: int

    @classmethod
    def read(cls, file: int, size: int) -> Self:
        """Read the trailer that follows `size` bytes."""
        trailer = os.pread(file, TRAILER_BYTES, size)
        return cls(trailer[:_MD5_BYTES].hex(), int.from_bytes(trailer[_MD5_BYTES:], "big"))


@dataclass(slots=True)
class FileWriter:
    """Writes a file that appears under its name only when it is complete.

    MD5 and CRC-64/NVME are computed on the way. Use it as a context manager, which removes the
    file again if `commit` was not called.
    """

    folder: Path
    size: int = 0
    crc: int = 0
    _digest: Any = field(init=False)
    _path: Path = field(init=False)
    _file: BinaryIO = field(init=False)

    def __post_init__(self) -> None:
        self._digest = md5(usedforsecurity=False)
        self._path = self.folder / temporary_name()
        self._file = self._path.open("xb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def etag(self) -> str:
        """The MD5 of what has been written, in hexadecimal."""
        return str(self._digest.hexdigest())

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        self._digest.update(piece)
        self.crc = crc64nvme(piece, self.crc)
        self.size += len(piece)
        _write_all(self._file, piece)

    def commit_part(self, number: int) -> str:
        """Make the file the part of this number, and return its ETag.

        Raise FileNotFoundError if the upload has ended meanwhile.
        """
        _write_all(self._file, self._digest.digest() + self.crc.to_bytes(_CRC_BYTES, "big"))
        os.fsync(self._file.fileno())
        self._path.rename(self.folder / part_name(number))
        sync_folder(self.folder)
        return self.etag

    def commit(self, name: str, folder: int) -> None:
        """Make the file durable under a name in another folder, given by its descriptor."""
        os.fsync(self._file.fileno())
        os.rename(self._path, name, dst_dir_fd=folder)

    def close(self) -> None:
        """Close the file, and remove it unless it was committed."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def list_stored_parts(folder: Path) -> list[StoredPart]:
    """Read the parts by ascending number. Raise FileNotFoundError if there is no such folder."""
    return sorted(_read_parts(folder), key=lambda part: part.number)


def _read_parts(folder: Path) -> Iterator[StoredPart]:
    for path in folder.iterdir():
        if not path.name.isdigit():
            continue
        # Opened once: the file may be replaced at any time.
        with path.open("rb", buffering=0) as file:
            stat = os.fstat(file.fileno())
            size = stat.st_size - TRAILER_BYTES
            yield StoredPart(
                number=int(path.name),
                etag=PartTrailer.read(file.fileno(), size).etag,
                size=size,
                stored_at=datetime.fromtimestamp(stat.st_mtime, UTC),
            )


def _write_all(file: BinaryIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[file.write(view) :]
