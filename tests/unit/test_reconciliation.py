"""Plan, reports and object store compared, for every way in which a part can be off."""

from __future__ import annotations

from enum import Enum
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.domain.errors import PartsMissingError
from multipart_upload.domain.part import Part, StoredPart
from multipart_upload.domain.part_plan import PartPlan
from multipart_upload.domain.reconciliation import expected_numbers, reconcile_parts

from .service import PART_SIZE, T0


class Case(Enum):
    """What became of one part."""

    AGREES = "reported and stored alike"
    SIZE_UNTOLD = "reported without a size"
    UNREPORTED = "stored, never reported"
    ABSENT = "neither stored nor reported"
    LOST = "reported, not stored"
    OTHER_ETAG = "stored with another ETag than reported"
    OTHER_SIZE = "stored with another size than reported"
    OTHER_BOTH = "stored otherwise than reported in both"
    UNPLANNED = "stored and reported with another size than planned"
    UNPLANNED_UNREPORTED = "stored with another size than planned, never reported"


MISSING: Final = {Case.ABSENT, Case.LOST}
MISMATCHED: Final = {Case.OTHER_ETAG, Case.OTHER_SIZE, Case.OTHER_BOTH}
UNPLANNED: Final = {Case.UNPLANNED, Case.UNPLANNED_UNREPORTED}
UNREPORTED: Final = {Case.UNREPORTED, Case.ABSENT, Case.UNPLANNED_UNREPORTED}
OTHER_ETAG: Final = {Case.OTHER_ETAG, Case.OTHER_BOTH}
OTHER_SIZE: Final = {Case.OTHER_SIZE, Case.OTHER_BOTH}

fine = st.sampled_from([Case.AGREES, Case.SIZE_UNTOLD, Case.UNREPORTED])
histories = st.lists(fine | st.sampled_from(Case), min_size=1, max_size=8)
last_sizes = st.integers(1, PART_SIZE)


def stored(number: int, size: int, case: Case) -> StoredPart:
    held = size + 1 if case in UNPLANNED else size
    return StoredPart(number=number, etag=f"e{number}", size=held, stored_at=T0)


def report(number: int, size: int, case: Case) -> Part:
    etag = "another" if case in OTHER_ETAG else f"e{number}"
    told = size + (case in UNPLANNED) - (case in OTHER_SIZE)
    return Part.reported(number, etag, None if case is Case.SIZE_UNTOLD else told, T0)


def plan_of(history: list[Case], last_size: int) -> PartPlan:
    return PartPlan.for_size((len(history) - 1) * PART_SIZE + last_size)


def tried(history: list[Case], plan: PartPlan, *, planned: bool) -> list[StoredPart]:
    sized = [(number, plan.size_of(number), case) for number, case in enumerate(history, 1)]
    return reconcile_parts(
        plan if planned else None,
        # Neither side promises an order here.
        [report(*part) for part in reversed(sized) if part[2] not in UNREPORTED],
        [stored(*part) for part in reversed(sized) if part[2] not in MISSING],
    )


def numbers(history: list[Case], cases: set[Case]) -> list[int]:
    return [number for number, case in enumerate(history, 1) if case in cases]


@given(histories, last_sizes, st.booleans())
def test_the_parts_are_joined_exactly_when_all_agree_and_else_named(
    history: list[Case],
    last_size: int,
    planned: bool,  # noqa: FBT001  # hypothesis passes it by name
) -> None:
    if not planned:
        # A last part that nobody ever saw is not one.
        history = history[: max(numbers(history, set(Case) - {Case.ABSENT}), default=0)]
    plan = plan_of(history or [Case.ABSENT], last_size)
    missing = numbers(history, MISSING)
    mismatched = numbers(history, MISMATCHED | (UNPLANNED if planned else set()))
    if missing or mismatched:
        with pytest.raises(PartsMissingError) as refusal:
            tried(history, plan, planned=planned)
        assert refusal.value.extensions == {
            "status": "in-progress",
            "missing_parts": missing,
            "mismatched_parts": mismatched,
        }
    else:
        assert tried(history, plan, planned=planned) == [
            stored(number, plan.size_of(number), case) for number, case in enumerate(history, 1)
        ]


def test_without_a_plan_a_gap_is_missing() -> None:
    history = [Case.ABSENT, Case.AGREES, Case.ABSENT, Case.ABSENT, Case.UNREPORTED]
    with pytest.raises(PartsMissingError) as refusal:
        tried(history, plan_of(history, 1), planned=False)
    assert refusal.value.extensions["missing_parts"] == [1, 3, 4]
    assert refusal.value.extensions["mismatched_parts"] == []


def test_without_a_plan_the_highest_report_counts_even_if_the_store_lacks_it() -> None:
    with pytest.raises(PartsMissingError) as refusal:
        tried([Case.AGREES, Case.LOST], PartPlan.for_size(PART_SIZE + 1), planned=False)
    assert refusal.value.extensions["missing_parts"] == [2]


def test_what_the_store_holds_beyond_the_plan_is_left_out() -> None:
    inside, beyond = (stored(number, 5, Case.AGREES) for number in (1, 2))
    assert reconcile_parts(PartPlan.for_size(5), [], [beyond, inside]) == [inside]


def test_an_empty_file_is_one_stored_part_of_no_bytes() -> None:
    empty = stored(1, 0, Case.UNREPORTED)
    assert reconcile_parts(PartPlan.for_size(0), [], [empty]) == [empty]
    with pytest.raises(PartsMissingError) as refusal:
        reconcile_parts(PartPlan.for_size(0), [], [])
    assert refusal.value.extensions["missing_parts"] == [1]


@pytest.mark.parametrize(
    ("plan", "known", "expected"),
    [(None, [], []), (None, [2, 4], [1, 2, 3, 4]), (PartPlan.for_size(PART_SIZE + 1), [1], [1, 2])],
)
def test_the_numbers_a_file_needs(
    plan: PartPlan | None, known: list[int], expected: list[int]
) -> None:
    assert list(expected_numbers(plan, known)) == expected
