"""Part plans for every file size that S3 allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multipart_upload.domain.errors import FileTooLargeError, InvalidFieldError
from multipart_upload.domain.part_plan import PartPlan
from multipart_upload.testing.memory.object_store import CAPABILITIES

MIB: Final = 2**20
GIB: Final = 2**30
TIB: Final = 2**40
DEFAULT: Final = 8 * MIB
MOST: Final = 10_000
LARGEST: Final = MOST * 5 * GIB

# Sizes around every change of part count or part size.
edges = st.builds(
    lambda parts, part_mib, off: max(0, min(LARGEST, parts * part_mib * MIB + off)),
    st.sampled_from([0, 1, 2, 9_999, MOST]),
    st.integers(8, 5 * 1024),
    st.integers(-2, 2),
)
sizes = st.integers(0, LARGEST) | st.integers(0, 200 * MIB) | edges


@given(sizes)
def test_parts_add_up_to_the_file(size: int) -> None:
    plan = PartPlan.for_size(size, CAPABILITIES)
    last = plan.size_of(plan.part_count)
    assert plan.size == size
    assert (plan.part_count - 1) * plan.part_size + last == size
    assert 0 < last <= plan.part_size or size == last == 0


@given(sizes, st.data())
def test_every_part_but_the_last_has_the_same_size(size: int, data: st.DataObject) -> None:
    plan = PartPlan.for_size(size, CAPABILITIES)
    number = data.draw(st.integers(1, plan.part_count))
    if number < plan.part_count:
        assert plan.size_of(number) == plan.part_size


@given(st.integers(0, 2 * GIB))
def test_the_sizes_of_all_parts_sum_to_the_size_of_the_file(size: int) -> None:
    plan = PartPlan.for_size(size, CAPABILITIES)
    assert sum(plan.size_of(number) for number in range(1, plan.part_count + 1)) == size


@given(sizes)
def test_parts_keep_the_limits_of_s3(size: int) -> None:
    plan = PartPlan.for_size(size, CAPABILITIES)
    assert 1 <= plan.part_count <= MOST
    assert DEFAULT <= plan.part_size <= 5 * GIB
    assert plan.part_size % MIB == 0


@given(sizes)
@example(MOST * DEFAULT)
@example(MOST * DEFAULT + 1)
def test_part_size_is_the_smallest_that_fits(size: int) -> None:
    plan = PartPlan.for_size(size, CAPABILITIES)
    assert plan.part_size == DEFAULT or MOST * (plan.part_size - MIB) < size


@given(sizes, st.integers(-3, MOST + 3))
def test_only_planned_numbers_are_parts(size: int, number: int) -> None:
    plan = PartPlan.for_size(size, CAPABILITIES)
    assert (number in plan) == (number in range(1, plan.part_count + 1))
    if number not in plan:
        with pytest.raises(ValueError, match=f"part {number} is not one of {plan.part_count}"):
            plan.size_of(number)


@pytest.mark.parametrize(
    ("size", "part_size", "part_count", "last"),
    [
        (0, DEFAULT, 1, 0),
        (1, DEFAULT, 1, 1),
        (DEFAULT, DEFAULT, 1, DEFAULT),
        (DEFAULT + 1, DEFAULT, 2, 1),
        (17 * MIB, DEFAULT, 3, MIB),
        (MOST * DEFAULT, DEFAULT, MOST, DEFAULT),
        (MOST * DEFAULT + 1, 9 * MIB, 8_889, 8 * MIB + 1),
        (5 * TIB, 525 * MIB, 9_987, 230 * MIB),
        (LARGEST - 1, 5 * GIB, MOST, 5 * GIB - 1),
        (LARGEST, 5 * GIB, MOST, 5 * GIB),
    ],
)
def test_plan_of_a_known_size(size: int, part_size: int, part_count: int, last: int) -> None:
    plan = PartPlan.for_size(size, CAPABILITIES)
    assert (plan.part_size, plan.part_count) == (part_size, part_count)
    assert plan.size_of(part_count) == last


def test_largest_file_is_48_8_tebibytes() -> None:
    assert round(PartPlan.for_size(LARGEST, CAPABILITIES).size / TIB, 1) == 48.8


@given(st.integers(0, LARGEST), st.integers(1, TIB))
def test_file_over_the_limit_is_refused(max_size: int, excess: int) -> None:
    assert PartPlan.for_size(max_size, CAPABILITIES, max_size).size == max_size
    with pytest.raises(FileTooLargeError) as refusal:
        PartPlan.for_size(max_size + excess, CAPABILITIES, max_size)
    assert refusal.value.extensions == {"max_size": max_size}


def test_limit_of_s3_holds_without_a_configured_limit() -> None:
    with pytest.raises(FileTooLargeError) as refusal:
        PartPlan.for_size(LARGEST + 1, CAPABILITIES)
    assert refusal.value.extensions == {"max_size": LARGEST}


def test_configured_limit_cannot_exceed_that_of_s3() -> None:
    with pytest.raises(FileTooLargeError) as refusal:
        PartPlan.for_size(LARGEST + 1, CAPABILITIES, max_size=2 * LARGEST)
    assert refusal.value.extensions == {"max_size": LARGEST}


def test_negative_file_size_is_refused() -> None:
    with pytest.raises(InvalidFieldError, match="size: "):
        PartPlan.for_size(-1, CAPABILITIES)


@given(st.integers(1, MOST), st.data())
def test_store_with_a_lower_part_limit_gets_larger_parts(most: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, most * 5 * GIB))
    plan = PartPlan.for_size(size, replace(CAPABILITIES, max_part_count=most))
    assert 1 <= plan.part_count <= most
    assert DEFAULT <= plan.part_size <= 5 * GIB
    assert sum((plan.part_size * (plan.part_count - 1), plan.size_of(plan.part_count))) == size


def test_file_that_exceeds_the_part_limit_is_too_large() -> None:
    with pytest.raises(FileTooLargeError) as refused:
        PartPlan.for_size(1000 * 5 * GIB + 1, replace(CAPABILITIES, max_part_count=1000))
    assert refused.value.extensions == {"max_size": 1000 * 5 * GIB}
