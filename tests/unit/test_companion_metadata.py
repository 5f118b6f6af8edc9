"""What pages tell about a file, and what of it an object can carry."""

from __future__ import annotations

import pytest

from multipart_upload.domain.validation import UPLOAD_ID_METADATA_KEY
from multipart_upload.entrypoints.http.companion.metadata import select_metadata


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plain", "plain"),
        ("", ""),
        ("null", "null"),
        ("Zoë fährt", "Zoë fährt"),
        (5, "5"),
        (1.5, "1.5"),
        (True, "true"),
        ({"a": [1, None, "ü"]}, '{"a": [1, null, "ü"]}'),
        ("two\nlines\x00\u202e", "two lines  "),
        ("\ud800", " "),
    ],
)
def test_a_value_becomes_a_text_on_one_line(given: object, kept: str) -> None:
    assert select_metadata([("key", given)]) == {"key": kept}


def test_what_says_nothing_is_left_out() -> None:
    assert select_metadata([("relativePath", None), ("name", "a")]) == {"name": "a"}


@pytest.mark.parametrize(
    "name", ["", "größe", "a b", "a:b", "x" * 65, UPLOAD_ID_METADATA_KEY, "Multipart-Upload-Id"]
)
def test_an_entry_with_a_name_that_no_header_takes_is_left_out(name: str) -> None:
    assert select_metadata([(name, "1"), ("good", "2")]) == {"good": "2"}


def test_of_names_that_differ_in_case_alone_the_first_is_kept() -> None:
    assert select_metadata([("Name", "1"), ("name", "2")]) == {"Name": "1"}


def test_what_is_too_long_is_left_out_whole_and_the_rest_stays() -> None:
    given = [("a", "1"), ("long", "x" * 1024), ("b", "2")]

    assert select_metadata(given) == {"a": "1", "b": "2"}


def test_no_more_entries_are_kept_than_an_object_has() -> None:
    kept = select_metadata((f"k{n}", "v") for n in range(1000))

    assert list(kept) == [f"k{n}" for n in range(32)]


def test_of_a_hostile_number_of_entries_few_are_looked_at() -> None:
    entries = ((f"k{n}", "é" * 20) for n in range(100_000))

    select_metadata(entries)

    assert len(list(entries)) >= 99_000
