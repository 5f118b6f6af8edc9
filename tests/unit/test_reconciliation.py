"""Reconciling plan, reports and object store, for every way in which a part can differ."""

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
from multipart_upload.testing.memory.object_store import CAPABILITIES

from .service import PART_SIZE, T0


class Case(Enum):
    """How one part was reported and stored."""

    AGREES = "reported as stored"
    SIZE_UNKNOWN = "reported without a size"
    UNREPORTED = "stored, never reported"
    ABSENT = "neither stored nor reported"
    LOST = "reported, not stored"
    OTHER_ETAG = "stored with another ETag than reported"
    OTHER_SIZE = "stored with another size than reported"
    OTHER_BOTH = "stored with another ETag and size than reported"
    UNPLANNED = "stored and reported with another size than planned"
    UNPLANNED_UNREPORTED = "stored with another size than planned, never reported"


MISSING: Final = {Case.ABSENT, Case.LOST}
MISMATCHED: Final = {Case.OTHER_ETAG, Case.OTHER_SIZE, Case.OTHER_BOTH}
UNPLANNED: Final = {Case.UNPLANNED, Case.UNPLANNED_UNREPORTED}
UNREPORTED: Final = {Case.UNREPORTED, Case.ABSENT, Case.UNPLANNED_UNREPORTED}
OTHER_ETAG: Final = {Case.OTHER_ETAG, Case.OTHER_BOTH}
OTHER_SIZE: Final = {Case.OTHER_SIZE, Case.OTHER_BOTH}

fine = st.sampled_from([Case.AGREES, Case.SIZE_UNKNOWN, Case.UNREPORTED])
histories = st.lists(fine | st.sampled_from(Case), min_size=1, max_size=8)
last_sizes = st.integers(1, PART_SIZE)


def stored(number: int, size: int, case: Case) -> StoredPart:
    held = size + 1 if case in UNPLANNED else size
    return StoredPart(number=number, etag=f"e{number}", size=held, stored_at=T0)


def report(number: int, size: int, case: Case) -> Part:
    etag = "another" if case in OTHER_ETAG else f"e{number}"
    reported_size = size + (case in UNPLANNED) - (case in OTHER_SIZE)
    return Part.from_report(number, etag, None if case is Case.SIZE_UNKNOWN else reported_size, T0)


def plan_of(history: list[Case], last_size: int) -> PartPlan:
    return PartPlan.for_size((len(history) - 1) * PART_SIZE + last_size, CAPABILITIES)


def reconcile(history: list[Case], plan: PartPlan, *, planned: bool) -> list[StoredPart]:
    sized = [(number, plan.size_of(number), case) for number, case in enumerate(history, 1)]
    return reconcile_parts(
        plan if planned else None,
        # Reversed, because neither side promises an order.
        [report(*part) for part in reversed(sized) if part[2] not in UNREPORTED],
        [stored(*part) for part in reversed(sized) if part[2] not in MISSING],
    )


def numbers(history: list[Case], cases: set[Case]) -> list[int]:
    return [number for number, case in enumerate(history, 1) if case in cases]


@given(histories, last_sizes, st.booleans())
def test_parts_reconcile_exactly_when_all_agree_and_are_named_otherwise(
    history: list[Case],
    last_size: int,
    planned: bool,  # noqa: FBT001  # hypothesis passes it by name
) -> None:
    if not planned:
        # Without a plan, trailing parts that were never stored or reported do not exist.
        history = history[: max(numbers(history, set(Case) - {Case.ABSENT}), default=0)]
    plan = plan_of(history or [Case.ABSENT], last_size)
    missing = numbers(history, MISSING)
    mismatched = numbers(history, MISMATCHED | (UNPLANNED if planned else set()))
    if missing or mismatched:
        with pytest.raises(PartsMissingError) as refusal:
            reconcile(history, plan, planned=planned)
        assert refusal.value.extensions == {
            "status": "in-progress",
            "missing_parts": missing,
            "mismatched_parts": mismatched,
        }
    else:
        assert reconcile(history, plan, planned=planned) == [
            stored(number, plan.size_of(number), case) for number, case in enumerate(history, 1)
        ]


def test_without_a_plan_a_gap_is_missing() -> None:
    history = [Case.ABSENT, Case.AGREES, Case.ABSENT, Case.ABSENT, Case.UNREPORTED]
    with pytest.raises(PartsMissingError) as refusal:
        reconcile(history, plan_of(history, 1), planned=False)
    assert refusal.value.extensions["missing_parts"] == [1, 3, 4]
    assert refusal.value.extensions["mismatched_parts"] == []


def test_without_a_plan_the_highest_report_counts_even_if_the_store_lacks_it() -> None:
    with pytest.raises(PartsMissingError) as refusal:
        reconcile(
            [Case.AGREES, Case.LOST], PartPlan.for_size(PART_SIZE + 1, CAPABILITIES), planned=False
        )
    assert refusal.value.extensions["missing_parts"] == [2]


def test_stored_parts_beyond_the_plan_are_left_out() -> None:
    inside, beyond = (stored(number, 5, Case.AGREES) for number in (1, 2))
    assert reconcile_parts(PartPlan.for_size(5, CAPABILITIES), [], [beyond, inside]) == [inside]


def test_empty_file_needs_one_stored_empty_part() -> None:
    empty = stored(1, 0, Case.UNREPORTED)
    assert reconcile_parts(PartPlan.for_size(0, CAPABILITIES), [], [empty]) == [empty]
    with pytest.raises(PartsMissingError) as refusal:
        reconcile_parts(PartPlan.for_size(0, CAPABILITIES), [], [])
    assert refusal.value.extensions["missing_parts"] == [1]


@pytest.mark.parametrize(
    ("plan", "known", "expected"),
    [
        (None, [], []),
        (None, [2, 4], [1, 2, 3, 4]),
        (PartPlan.for_size(PART_SIZE + 1, CAPABILITIES), [1], [1, 2]),
    ],
)
def test_expected_numbers_of_a_file(
    plan: PartPlan | None, known: list[int], expected: list[int]
) -> None:
    assert list(expected_numbers(plan, known)) == expected


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6))
def test_store_that_requires_equal_parts_gets_no_others(sizes: list[int]) -> None:
    parts = [
        StoredPart(number=number, etag=f"e{number}", size=size, stored_at=T0)
        for number, size in enumerate(sizes, 1)
    ]
    assert reconcile_parts(None, [], parts) == parts
    *others, last = sizes
    if all(size == sizes[0] for size in others) and last <= sizes[0]:
        assert reconcile_parts(None, [], parts, equal_sizes=True) == parts
        return
    with pytest.raises(PartsMissingError) as refused:
        reconcile_parts(None, [], parts, equal_sizes=True)
    assert refused.value.extensions["mismatched_parts"] == [
        number
        for number, size in enumerate(sizes, 1)
        if size > sizes[0] or (size < sizes[0] and number < len(sizes))
    ]
