"""Whether plan, reports and object store agree on what the file is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .errors import PartsMissingError
from .part import Part, StoredPart
from .part_plan import PartPlan
from .session import SessionState


def reconciled(
    plan: PartPlan | None, reported: Iterable[Part], stored: Iterable[StoredPart]
) -> list[StoredPart]:
    """Give the parts to join, by ascending number.

    What the store holds counts; a part nobody reported is as good as one that was. Raise
    PartsMissingError naming the numbers that the store lacks, and those that it holds with
    another ETag than reported or another size than planned or reported.
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
    if missing or mismatched:
        raise PartsMissingError(SessionState.IN_PROGRESS, missing, mismatched)
    return [held[number] for number in wanted]


def expected_numbers(plan: PartPlan | None, known: Iterable[int]) -> Sequence[int]:
    """Give the numbers the file needs: the plan's, or up to the highest known without a plan.

    Without a plan a gap is a lost part, not a choice: nobody uploads 1 and 3 on purpose.
    """
    return range(1, (plan.part_count if plan else max(known, default=0)) + 1)


def _agrees(plan: PartPlan | None, report: Part | None, stored: StoredPart) -> bool:
    planned = plan is None or plan.size_of(stored.number) == stored.size
    return planned and (report is None or report.agrees_with(stored))
