"""CRC-64/NVME of the parts of a file, and of the whole."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any

from .plan import MIB, Part
from .store import Read


def has_checksums() -> bool:
    """Return whether the extra `checksums` is installed."""
    return find_spec("anycrc") is not None


def require_checksums() -> None:
    """Raise ValueError unless the extra `checksums` is installed."""
    if not has_checksums():
        msg = "checksums need the extra: pip install 'multipart-upload-client[checksums]'"
        raise ValueError(msg)


@cache
def _model() -> Any:
    import anycrc  # noqa: PLC0415  # of an extra

    return anycrc.Model("CRC64-NVME")


@dataclass(slots=True)
class Checksums:
    """The checksums of one file. Each part is read once for its own."""

    _parts: dict[int, int] = field(default_factory=dict, init=False)

    async def of_part(self, part: Part, read: Read) -> str:
        """Return the checksum of a part, in base64 as S3 writes it."""
        if part.number not in self._parts:
            self._parts[part.number] = await asyncio.to_thread(_compute, part, read)
        return _encode(self._parts[part.number])

    def of_all(self, parts: Iterable[Part]) -> str:
        """Return the checksum of a file of these parts, which must be known."""
        total = 0
        for part in parts:
            total = _model().combine(total, self._parts[part.number], part.size)
        return _encode(total)


def _compute(part: Part, read: Read) -> int:
    checksum = 0
    for offset in range(0, part.size, MIB):
        piece = read(part.offset + offset, min(MIB, part.size - offset))
        checksum = _model().calc(piece, checksum)
    return checksum


def _encode(checksum: int) -> str:
    return b64encode(checksum.to_bytes(8, "big")).decode()
