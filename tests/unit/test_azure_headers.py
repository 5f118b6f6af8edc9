"""Names and metadata of blobs on Azure, which allows only C# identifiers as names."""

from __future__ import annotations

import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.adapters.azure.headers import (
    NONCE_NAME,
    UPLOAD_ID_NAME,
    blob_metadata,
    read_owner,
)
from multipart_upload.application.ports import NewObject
from multipart_upload.domain.validation import METADATA_KEY_PATTERN

NAMES = st.from_regex(METADATA_KEY_PATTERN, fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


def metadata_of(metadata: dict[str, str]) -> dict[str, str]:
    return blob_metadata(
        NewObject(
            key="k",
            upload_id="0" * 32,
            nonce="f" * 16,
            filename="f",
            content_type="text/plain",
            metadata=metadata,
        )
    )


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("project", "project"),
        ("Camera-Model", "camera_2dmodel"),
        ("a_b.c", "a__b_2ec"),
        ("1st", "_31st"),
        (UPLOAD_ID_NAME, "multipart__upload__id"),
    ],
)
def test_name_becomes_an_identifier(name: str, stored: str) -> None:
    assert metadata_of({name: "x"})[stored] == "x"


@given(st.dictionaries(NAMES, TEXT))
def test_names_stay_different_and_values_readable(metadata: dict[str, str]) -> None:
    metadata = {name.lower(): value for name, value in metadata.items()}
    stored = metadata_of(metadata)
    assert len(stored) == len(metadata) + 2
    assert read_owner(stored) == ("0" * 32, "f" * 16)
    assert all(re.fullmatch("[a-z_][a-z0-9_]*", name) for name in stored)
    assert all(value.isascii() and value for value in stored.values())
    own = {UPLOAD_ID_NAME, NONCE_NAME}
    read = sorted(
        str(make_header(decode_header(value))) for name, value in stored.items() if name not in own
    )
    assert read == sorted(metadata.values())
