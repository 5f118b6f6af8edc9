"""One bit a part number, in a few small documents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.adapters.mongo.tally import counted, marks
from multipart_upload.contract.samples import sample_part
from multipart_upload.domain.limits import MAX_PART_COUNT

NUMBERS = st.lists(st.integers(1, MAX_PART_COUNT), min_size=1, max_size=50)
DAY = timedelta(days=1)


def applied(*batches: list[int]) -> dict[int, dict[str, Any]]:
    """Do what MongoDB does with the marks of some batches, one after another."""
    tallies: dict[int, dict[str, Any]] = {}
    for batch in batches:
        for update in marks("upload-1", [sample_part(number) for number in batch], DAY):
            bits = tallies.setdefault(update._filter["number"], {"bits": {}})["bits"]  # noqa: SLF001
            for field, change in update._doc["$bit"].items():  # type: ignore[call-overload]  # noqa: SLF001
                word = field.removeprefix("bits.")
                bits[word] = bits.get(word, 0) | change["or"]
    return tallies


@given(first=NUMBERS, second=NUMBERS)
def test_each_number_counts_once_however_often_it_is_marked(
    first: list[int], second: list[int]
) -> None:
    assert counted(applied(first, second).values()) == len({*first, *second})


def test_all_parts_of_the_largest_upload_are_in_six_documents_of_a_few_words() -> None:
    tallies = applied(list(range(1, MAX_PART_COUNT + 1)))
    assert counted(tallies.values()) == MAX_PART_COUNT
    assert sorted(tallies) == [-5, -4, -3, -2, -1, 0]
    assert max(len(tally["bits"]) for tally in tallies.values()) == 34


def test_no_word_is_more_than_mongodb_holds() -> None:
    tallies = applied(list(range(1, MAX_PART_COUNT + 1)))
    assert all(word < 2**63 for tally in tallies.values() for word in tally["bits"].values())


def test_a_tally_is_kept_as_long_as_the_last_of_its_parts() -> None:
    (update,) = marks("upload-1", [sample_part(2), sample_part(9), sample_part(1)], DAY)
    last = sample_part(9).recorded_at + DAY
    assert update._doc["$max"] == {"retained_until": last}  # type: ignore[call-overload]  # noqa: SLF001
