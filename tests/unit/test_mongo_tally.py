"""One bit a part number, in one small document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.adapters.mongo.tally import counted, mark
from multipart_upload.contract.samples import sample_part
from multipart_upload.domain.limits import MAX_PART_COUNT

NUMBERS = st.lists(st.integers(1, MAX_PART_COUNT), min_size=1, max_size=50)
DAY = timedelta(days=1)


def update_of(*numbers: int) -> dict[str, Any]:
    update: Any = mark("upload-1", [sample_part(number) for number in numbers], DAY)._doc  # noqa: SLF001
    return dict(update)


def applied(*batches: list[int]) -> dict[str, Any]:
    """Do what MongoDB does with the marks of some batches, one after another."""
    bits: dict[str, int] = {}
    for batch in batches:
        for field, change in update_of(*batch)["$bit"].items():
            word = field.removeprefix("bits.")
            bits[word] = bits.get(word, 0) | change["or"]
    return {"bits": bits}


@given(first=NUMBERS, second=NUMBERS)
def test_each_number_counts_once_however_often_it_is_marked(
    first: list[int], second: list[int]
) -> None:
    assert counted(applied(first, second)) == len({*first, *second})


def test_where_nothing_was_marked_there_are_no_parts() -> None:
    assert counted(None) == counted({"version": 1}) == 0


def test_all_parts_of_the_largest_upload_are_a_few_words_of_what_mongodb_holds() -> None:
    tally = applied(list(range(1, MAX_PART_COUNT + 1)))
    assert counted(tally) == MAX_PART_COUNT
    assert len(tally["bits"]) == 167
    assert all(word < 2**63 for word in tally["bits"].values())


def test_a_tally_is_kept_as_long_as_the_last_of_its_parts() -> None:
    last = sample_part(9).recorded_at + DAY
    assert update_of(2, 9, 1)["$max"] == {"retained_until": last}
