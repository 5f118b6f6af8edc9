"""How a file of a known size is cut into parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import FileTooLargeError, InvalidFieldError
from .limits import MAX_OBJECT_SIZE, MAX_PART_COUNT, MAX_PART_SIZE, MIB

DEFAULT_PART_SIZE: Final = 8 * MIB


@dataclass(frozen=True, slots=True)
class PartPlan:
    """Sizes in bytes. Every part has `part_size` bytes, except the last, which has the rest."""

    size: int
    part_size: int
    part_count: int

    @classmethod
    def for_size(
        cls, size: int, max_size: int = MAX_OBJECT_SIZE, max_parts: int = MAX_PART_COUNT
    ) -> PartPlan:
        """Cut `size` bytes into parts of the smallest multiple of 1 MiB that `max_parts` allow.

        Only the last part may be under 8 MiB. An empty file is one part of 0 bytes.
        Raise FileTooLargeError if `size` is over `max_size` or does not fit into `max_parts` parts,
        and InvalidFieldError if it is negative.
        """
        if size < 0:
            raise InvalidFieldError("size", "must be 0 bytes or more")
        if size > (limit := min(max_size, max_parts * MAX_PART_SIZE)):
            raise FileTooLargeError(size, limit)
        smallest = -(-size // max_parts)
        part_size = max(DEFAULT_PART_SIZE, -(-smallest // MIB) * MIB)
        return cls(size=size, part_size=part_size, part_count=max(1, -(-size // part_size)))

    def __contains__(self, part_number: int) -> bool:
        return 1 <= part_number <= self.part_count

    def size_of(self, part_number: int) -> int:
        """Return the bytes of one part. Raise ValueError for a number outside the plan."""
        if part_number not in self:
            msg = f"part {part_number} is not one of {self.part_count}"
            raise ValueError(msg)
        if part_number < self.part_count:
            return self.part_size
        return self.size - self.part_size * (self.part_count - 1)
