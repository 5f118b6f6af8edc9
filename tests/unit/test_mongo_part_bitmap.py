"""One bit for each part number, in one small document."""

from __future__ import annotations

from random import Random
from typing import Any, Self

from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.adapters.mongo.part_bitmap import count_parts, remove_full_words, set_bits
from multipart_upload.domain.limits import MAX_PART_COUNT
from multipart_upload.testing.contract.sample_sessions import sample_part

NUMBERS = st.lists(st.integers(1, MAX_PART_COUNT), min_size=1, max_size=50)
# Runs from anywhere, so that words fill up.
RUNS = st.lists(
    st.builds(
        lambda first, length: list(range(first, min(first + length, MAX_PART_COUNT + 1))),
        st.integers(1, MAX_PART_COUNT) | st.integers(1, 600),
        st.integers(1, 2000),
    ),
    max_size=20,
)


def update_of(*numbers: int) -> dict[str, Any]:
    update: Any = set_bits("upload-1", [sample_part(number) for number in numbers])._doc  # noqa: SLF001
    return dict(update)


class Bitmap(dict[str, Any]):
    """Applies updates of a bitmap as MongoDB does."""

    def apply_bits(self, *numbers: int) -> Self:
        for field, change in update_of(*numbers)["$bit"].items():
            place = field.removeprefix("bits.")
            self._bits[place] = self._bits.get(place, 0) | change["or"]
        return self

    def remove_words(self, update: dict[str, Any] | None) -> None:
        if update is not None:
            self["filled"] = max(self.get("filled", 0), update["$max"]["filled"])
            for field in update["$unset"]:
                self._bits.pop(field.removeprefix("bits."), None)

    @property
    def _bits(self) -> dict[str, int]:
        bits: dict[str, int] = self.setdefault("bits", {})
        return bits


@given(first=NUMBERS, second=NUMBERS)
def test_each_number_counts_once_however_often_it_is_set(
    first: list[int], second: list[int]
) -> None:
    assert count_parts(Bitmap().apply_bits(*first).apply_bits(*second)) == len({*first, *second})


@given(RUNS, st.randoms(use_true_random=False))
def test_the_count_is_the_same_whenever_full_words_are_removed(
    runs: list[list[int]], random: Random
) -> None:
    bitmap, expected = Bitmap(), set[int]()
    late: list[dict[str, Any] | None] = []
    for run in runs:
        bitmap.apply_bits(*run)
        expected.update(run)
        late.append(remove_full_words(bitmap))
        while late and random.random() < 0.5:
            bitmap.remove_words(late.pop(random.randrange(len(late))))
        assert count_parts(bitmap) == len(expected)


def test_parts_in_order_keep_eight_words_at_most() -> None:
    bitmap, most = Bitmap(), 0
    for number in range(1, MAX_PART_COUNT + 1):
        bitmap.apply_bits(number).remove_words(remove_full_words(bitmap))
        most = max(most, len(bitmap["bits"]))
    assert count_parts(bitmap) == MAX_PART_COUNT
    assert most == 8


def test_parts_that_are_all_reported_again_keep_no_more() -> None:
    bitmap, most = Bitmap(), 0
    for number in (*range(1, MAX_PART_COUNT + 1), *range(1, MAX_PART_COUNT + 1)):
        bitmap.apply_bits(number).remove_words(remove_full_words(bitmap))
        most = max(most, len(bitmap["bits"]))
    assert count_parts(bitmap) == MAX_PART_COUNT
    assert most == 8


def test_a_missing_or_empty_bitmap_counts_no_parts() -> None:
    assert count_parts(None) == count_parts({"version": 1}) == 0
    assert remove_full_words(None) is None


def test_every_word_of_the_largest_upload_fits_an_integer_of_mongodb() -> None:
    bitmap = Bitmap().apply_bits(*range(1, MAX_PART_COUNT + 1))
    assert count_parts(bitmap) == MAX_PART_COUNT
    assert len(bitmap["bits"]) == 167
    assert all(word < 2**63 for word in bitmap["bits"].values())
