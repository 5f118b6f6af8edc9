"""How a file of a known size is cut into parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import FileTooLargeError, InvalidFieldError
from .limits import MAX_OBJECT_SIZE, MIB
from .store_capabilities import StoreCapabilities

DEFAULT_PART_SIZE: Final = 8 * MIB


def max_planned_size(store: StoreCapabilities, max_size: int) -> int:
    """Return the largest file that `max_size` and the store allow."""
    # A part of a plan is a multiple of 1 MiB.
    largest_part = store.max_part_size // MIB * MIB
    return min(max_size, store.max_object_size, store.max_part_count * largest_part)


@dataclass(frozen=True, slots=True)
class PartPlan:
    """Sizes in bytes. Every part has `part_size` bytes, except the last, which has the rest."""

    size: int
    part_size: int
    part_count: int

    @classmethod
    def for_size(
        cls, size: int, store: StoreCapabilities, max_size: int = MAX_OBJECT_SIZE
    ) -> PartPlan:
        """Cut `size` bytes into equal parts of the smallest multiple of 1 MiB that suits the store.

        Only the last part may be under 8 MiB. An empty file is one part of 0 bytes.
        Raise FileTooLargeError if `size` is over `max_size` or the store's limits, and
        InvalidFieldError if it is negative.
        """
        if size < 0:
            raise InvalidFieldError("size", "must be 0 bytes or more")
        if size > (limit := max_planned_size(store, max_size)):
            raise FileTooLargeError(size, limit)
        smallest = max(-(-size // store.max_part_count), store.min_part_size)
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
