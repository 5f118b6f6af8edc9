"""Metadata sent by pages, reduced to what an object can store."""

from __future__ import annotations

import pytest

from multipart_upload.domain.validation import UPLOAD_ID_METADATA_KEY
from multipart_upload.entrypoints.http.companion.metadata import read_size, select_metadata


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
def test_value_becomes_text_on_one_line(given: object, kept: str) -> None:
    assert select_metadata([("key", given)]) == {"key": kept}


def test_empty_values_are_left_out() -> None:
    assert select_metadata([("relativePath", None), ("name", "a")]) == {"name": "a"}


@pytest.mark.parametrize(
    "name", ["", "größe", "a b", "a:b", "x" * 65, UPLOAD_ID_METADATA_KEY, "Multipart-Upload-Id"]
)
def test_entry_with_an_invalid_header_name_is_left_out(name: str) -> None:
    assert select_metadata([(name, "1"), ("good", "2")]) == {"good": "2"}


def test_first_of_names_differing_only_in_case_is_kept() -> None:
    assert select_metadata([("Name", "1"), ("name", "2")]) == {"Name": "1"}


def test_too_long_entry_is_left_out_and_the_others_kept() -> None:
    given = [("a", "1"), ("long", "x" * 1024), ("b", "2")]

    assert select_metadata(given) == {"a": "1", "b": "2"}


def test_at_most_as_many_entries_are_kept_as_an_object_allows() -> None:
    kept = select_metadata((f"k{n}", "v") for n in range(1000))

    assert list(kept) == [f"k{n}" for n in range(32)]


def test_only_a_few_of_a_hostile_number_of_entries_are_read() -> None:
    entries = ((f"k{n}", "é" * 20) for n in range(100_000))

    select_metadata(entries)

    assert len(list(entries)) >= 99_000


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"size": 5}, 5),
        ({"size": "5000000000000"}, 5_000_000_000_000),
        ({"size": 0}, 0),
        ({"size": "XL"}, None),
        ({"size": -1}, None),
        ({"size": 1.5}, None),
        ({"size": True}, None),
        ({"size": "9" * 19}, None),
        ({"size": ""}, None),
        ({"size": [5]}, None),
        ({}, None),
    ],
)
def test_whole_number_as_size_declares_the_bytes_of_the_file(
    given: dict[str, object], size: int | None
) -> None:
    assert read_size(given) == size
