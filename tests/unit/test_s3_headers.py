"""Names and metadata travel as ASCII and are read back unchanged."""

from __future__ import annotations

import unicodedata
from email.header import decode_header, make_header
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.adapters.s3.headers import object_metadata
from multipart_upload.application.ports import NewObject
from multipart_upload.domain.content_disposition import content_disposition


def metadata_of(metadata: dict[str, str]) -> dict[str, str]:
    return object_metadata(
        NewObject(
            key="k",
            upload_id="0" * 32,
            nonce="f" * 16,
            filename="f",
            content_type="text/plain",
            metadata=metadata,
        )
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("holiday.mp4", 'attachment; filename="holiday.mp4"'),
        ("a b;c='d'.mp4", "attachment; filename=\"a b;c='d'.mp4\""),
        ("Zoë.txt", "attachment; filename=\"Zo_.txt\"; filename*=UTF-8''Zo%C3%AB.txt"),
        ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("a\\b.txt", "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%5Cb.txt"),
        ("100%41", "attachment; filename=\"100_41\"; filename*=UTF-8''100%2541"),
        ("a\r\nb", 'attachment; filename="ab"'),
        ("invoice\u202efdp.exe", 'attachment; filename="invoicefdp.exe"'),
        ("\u2066\x1b\u2029", 'attachment; filename="file"'),
        # Joiners in emoji and Persian words are part of the name.
        (
            "\u0646\u0645\u06cc\u200c\u0634",
            "attachment; filename=\"_____\"; filename*=UTF-8''%D9%86%D9%85%DB%8C%E2%80%8C%D8%B4",
        ),
    ],
)
def test_file_name_becomes_a_content_disposition(filename: str, header: str) -> None:
    assert content_disposition(filename) == header


def is_hidden_control(char: str) -> bool:
    bidi = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
    return (
        unicodedata.category(char) in {"Cc", "Zl", "Zp"}
        or unicodedata.bidirectional(char) in bidi
        or char in "\u061c\u200e\u200f"
    )


@given(TEXT | st.text("a\u200d\u202e\u2066\u061c\u200f\x1b\n\u2028.é"))
def test_every_file_name_is_one_line_of_ascii_and_can_be_read_back(filename: str) -> None:
    header = content_disposition(filename)
    assert header.isascii()
    assert header.isprintable()
    fallback, _, encoded = header.partition("; filename*=UTF-8''")
    names = {unquote(encoded), fallback.removeprefix("attachment; filename=")[1:-1]}
    kept = "".join(char for char in filename if not is_hidden_control(char))
    assert (kept or "file") in names
    assert not any(map(is_hidden_control, "".join(names)))


@pytest.mark.parametrize("char", ["x", "é", "名", "🏝"])
def test_an_overlong_name_is_cut_and_keeps_its_extension(char: str) -> None:
    header = content_disposition(char * 1024 + ".jpeg")
    assert header.endswith((".jpeg", '.jpeg"'))
    assert len(header) < 3500


@given(TEXT)
def test_every_value_is_one_line_of_ascii_and_can_be_read_back(value: str) -> None:
    header = metadata_of({"note": value})["note"]
    assert header.isascii()
    assert not header or header.isprintable()
    assert header == header.strip()
    assert str(make_header(decode_header(header))) == value


@pytest.mark.parametrize("value", [" x", "x ", "=?UTF-8?B?eA==?=", "a\nb", ""])
def test_values_that_a_header_would_change_are_read_back_unchanged(value: str) -> None:
    header = metadata_of({"note": value})["note"]
    assert str(make_header(decode_header(header.strip()))) == value


def test_plain_values_are_not_encoded() -> None:
    assert metadata_of({"Camera": "X100 (b)"})["camera"] == "X100 (b)"


@pytest.mark.parametrize("value", ["é" * 512, "x" * 1023 + "é", "🏝" * 256])
def test_the_largest_allowed_metadata_fits_into_the_2_kb_of_s3(value: str) -> None:
    metadata = metadata_of({"k": value})
    assert sum(len(key) + len(header) for key, header in metadata.items()) <= 2048


def test_our_upload_id_and_nonce_are_metadata_that_clients_cannot_set() -> None:
    metadata = metadata_of(
        {"a": "1", "Multipart-Upload-Id": "theirs", "multipart-upload-nonce": "theirs"}
    )
    assert metadata == {
        "a": "1",
        "multipart-upload-id": "0" * 32,
        "multipart-upload-nonce": "f" * 16,
    }
