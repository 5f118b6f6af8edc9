"""The uploads of the chaos tests: which file, how it is sent, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Final

from tests.e2e.upload import MIB, some_bytes

PART_SIZE: Final = 8 * MIB
"""The part size that the service plans for a file of declared size."""
SMALLEST_PART: Final = 5 * MIB
"""The minimum that S3 accepts for any part but the last."""
_SMALL: Final = (1, 100_000)
_BLOCK: Final = some_bytes(PART_SIZE)


class End(Enum):
    """What a client wants in the end."""

    COMPLETE = auto()
    ABORT = auto()
    LEAVE = auto()


class Cut(Enum):
    """How a client continues after the PUT of its last part was cut, if it was."""

    NONE = auto()
    LOOKS = auto()
    """It compares what S3 holds with the file."""
    REPORTS = auto()
    """It records the part as sent, and learns from the complete that S3 does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One planned upload.

    With `is_declared` the service knows the size. Without `retries_end` the client completes or
    aborts once and ignores a failure.
    """

    parts: Sequence[bytes]
    is_declared: bool
    has_key: bool
    cut: Cut
    end: End
    retries_end: bool

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))

    @property
    def slices(self) -> Mapping[int, bytes]:
        return dict(enumerate(self.parts, start=1))


def random_workload(random: Random) -> Workload:
    """Return a random upload; most files are small, so that many uploads run per second."""
    is_declared = random.random() < 0.6
    return Workload(
        parts=_parts(random, PART_SIZE if is_declared else SMALLEST_PART),
        is_declared=is_declared,
        has_key=random.random() < 0.5,
        cut=random.choices(list(Cut), weights=[80, 10, 10])[0],
        end=random.choices(list(End), weights=[70, 15, 15])[0],
        retries_end=random.random() < 0.5,
    )


def _parts(random: Random, large: int) -> list[bytes]:
    small = random.randint(*_SMALL)
    sizes = [large, small] if random.random() < 0.1 else [small]
    return [_part(random, size) for size in sizes]


def _part(random: Random, size: int) -> bytes:
    """Return bytes that no other part has."""
    return (random.randbytes(16) + _BLOCK)[:size]
