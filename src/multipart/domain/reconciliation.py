"""Compare the plan, the reported parts and the object store's list of parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .errors import PartsMissingError
from .part import Part, StoredPart
from .part_plan import PartPlan
from .session import SessionState


def reconcile_parts(
    plan: PartPlan | None,
    reported: Iterable[Part],
    stored: Iterable[StoredPart],
    *,
    equal_sizes: bool = False,
) -> list[StoredPart]:
    """Return the parts that make up the object, by ascending number.

    The store's list decides: parts that no client reported count as well. Raise PartsMissingError
    with the numbers that the store lacks, and those whose ETag differs from the report or whose
    size differs from the plan or the report. With `equal_sizes` a size also mismatches if it
    differs from the first part's; only the last part may be smaller.
    """
    reports = {part.number: part for part in reported}
    held = {part.number: part for part in stored}
    wanted = expected_numbers(plan, reports.keys() | held.keys())
    missing = [number for number in wanted if number not in held]
    mismatched = [
        number
        for number in wanted
        if number in held and not _agrees(plan, reports.get(number), held[number])
    ]
    if equal_sizes and not missing and not mismatched:
        mismatched = _find_unequal([held[number] for number in wanted])
    if missing or mismatched:
        raise PartsMissingError(SessionState.IN_PROGRESS, missing, mismatched)
    return [held[number] for number in wanted]


def is_whole(plan: PartPlan, stored: Iterable[StoredPart]) -> bool:
    """Return whether the object store holds every part of the plan."""
    sizes = {part.number: part.size for part in stored}
    return all(
        sizes.get(number) == plan.size_of(number) for number in range(1, plan.part_count + 1)
    )


def expected_numbers(plan: PartPlan | None, known: Iterable[int]) -> Sequence[int]:
    """Return the numbers of the plan, or without a plan all up to the highest known.

    Without a plan, every gap counts as a missing part.
    """
    return range(1, (plan.part_count if plan else max(known, default=0)) + 1)


def _find_unequal(parts: Sequence[StoredPart]) -> list[int]:
    return [
        part.number
        for part in parts
        if part.size > parts[0].size or (part is not parts[-1] and part.size < parts[0].size)
    ]


def _agrees(plan: PartPlan | None, report: Part | None, stored: StoredPart) -> bool:
    planned = plan is None or plan.size_of(stored.number) == stored.size
    return planned and (report is None or report.agrees_with(stored))
