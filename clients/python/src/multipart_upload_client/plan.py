"""How a file is divided into parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024
MAX_STREAM_PARTS: Final = 10_000
MIN_STREAM_PART_SIZE: Final = 16 * MIB


@dataclass(frozen=True, slots=True)
class Part:
    """A numbered slice of a file, in bytes."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class PartPlan:
    """The service's plan: parts of `part_size` bytes, except the last, which has the rest."""

    size: int
    part_size: int
    part_count: int

    def part(self, number: int) -> Part:
        offset = (number - 1) * self.part_size
        return Part(number, offset, min(self.part_size, self.size - offset))

    @property
    def numbers(self) -> range:
        return range(1, self.part_count + 1)

    def size_of(self, numbers: Iterable[int]) -> int:
        """Return the bytes of these parts together."""
        return sum(self.part(number).size for number in numbers)


def choose_part_size(expected_size: int) -> int:
    """Return the part size for a stream of about this size: whole MiB, and at least 16.

    All parts have one size, because some stores require that.
    """
    smallest = -(-expected_size // MAX_STREAM_PARTS)
    return max(MIN_STREAM_PART_SIZE, -(-smallest // MIB) * MIB)
