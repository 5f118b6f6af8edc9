"""What clients set out to do: which file, sent how, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Final

from tests.e2e.upload import MIB, some_bytes

PART_SIZE: Final = 8 * MIB
"""What the service's plan cuts a file into that has a declared size."""
SMALLEST_PART: Final = 5 * MIB
"""What S3 takes as a part that is not the last."""
_SMALL: Final = (1, 100_000)
_BLOCK: Final = some_bytes(PART_SIZE)


class End(Enum):
    """What a client wants in the end."""

    COMPLETE = auto()
    ABORT = auto()
    LEAVE = auto()


class Cut(Enum):
    """How a client goes on that died amid the PUT of its last part, if it did."""

    NONE = auto()
    LOOKS = auto()
    """It compares what S3 holds with its file."""
    REPORTS = auto()
    """It takes the part for sent, and learns that it is not when it completes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One upload as it is meant to go.

    With `is_declared` the service knows the size. A client that does not `insist` asks for the end
    once and never looks at the answer.
    """

    parts: Sequence[bytes]
    is_declared: bool
    has_key: bool
    cut: Cut
    end: End
    insists: bool

    @property
    def size(self) -> int:
        return sum(map(len, self.parts))

    @property
    def slices(self) -> Mapping[int, bytes]:
        return dict(enumerate(self.parts, start=1))


def errand(random: Random) -> Workload:
    """Make up an upload; most files are small, for many uploads a second."""
    is_declared = random.random() < 0.6
    return Workload(
        parts=_parts(random, PART_SIZE if is_declared else SMALLEST_PART),
        is_declared=is_declared,
        has_key=random.random() < 0.5,
        cut=random.choices(list(Cut), weights=[80, 10, 10])[0],
        end=random.choices(list(End), weights=[70, 15, 15])[0],
        insists=random.random() < 0.5,
    )


def _parts(random: Random, large: int) -> list[bytes]:
    small = random.randint(*_SMALL)
    sizes = [large, small] if random.random() < 0.1 else [small]
    return [_part(random, size) for size in sizes]


def _part(random: Random, size: int) -> bytes:
    """Give bytes that no other part has."""
    return (random.randbytes(16) + _BLOCK)[:size]
