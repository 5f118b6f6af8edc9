"""Parts as reported by clients, compared with the listing of the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.domain.part import Part, PartState, StoredPart, bare_etag

REPORTED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
STORED: Final = StoredPart(
    number=3, etag="abc", size=8, stored_at=REPORTED_AT - timedelta(minutes=1)
)
etags = st.from_regex(r"[0-9a-f]{32}(-[0-9]{1,5})?", fullmatch=True)


def reported(etag: str = "abc", size: int | None = 8) -> Part:
    return Part.from_report(3, etag, size, REPORTED_AT)


def test_states_are_spelled_as_on_the_wire() -> None:
    assert list(PartState) == ["expected", "uploaded", "verified"]


@given(etags)
def test_etag_is_the_same_with_and_without_quotes(etag: str) -> None:
    assert bare_etag(f'"{etag}"') == bare_etag(etag) == etag


def test_a_reported_part_is_uploaded_and_its_etag_bare() -> None:
    assert reported('"abc"') == Part(
        number=3, etag="abc", size=8, recorded_at=REPORTED_AT, state=PartState.UPLOADED
    )


def test_part_found_in_the_store_is_verified() -> None:
    assert Part.from_store(STORED) == Part(
        number=3, etag="abc", size=8, recorded_at=STORED.stored_at, state=PartState.VERIFIED
    )


@pytest.mark.parametrize("size", [8, None])
def test_part_stored_as_reported_is_verified(size: int | None) -> None:
    assert reported(size=size).agrees_with(STORED)
    checked = reported(size=size).verify_against(STORED)
    assert checked == replace(reported(), state=PartState.VERIFIED)


@pytest.mark.parametrize(
    "part", [reported("abd"), reported(size=7), reported(size=0), reported("abd", None)]
)
def test_part_stored_differently_keeps_its_report(part: Part) -> None:
    assert not part.agrees_with(STORED)
    assert part.verify_against(STORED) == part


def test_part_absent_from_the_store_keeps_its_report() -> None:
    assert reported().verify_against(None) == reported()


def test_verified_part_becomes_uploaded_when_the_store_loses_it() -> None:
    verified = reported().verify_against(STORED)
    assert verified.verify_against(None) == reported()


@pytest.mark.parametrize("stored", [replace(STORED, etag="abd"), replace(STORED, size=9)])
def test_unreported_part_follows_the_current_state_of_the_store(
    stored: StoredPart,
) -> None:
    found = Part.from_store(STORED).verify_against(stored)
    assert (found.etag, found.size, found.state) == (stored.etag, stored.size, "verified")


@given(etags, etags, st.integers(0, 9) | st.none(), st.integers(0, 9))
def test_checking_again_changes_nothing(
    etag: str, stored_etag: str, size: int | None, stored_size: int
) -> None:
    stored = replace(STORED, etag=stored_etag, size=stored_size)
    once = reported(etag, size).verify_against(stored)
    assert once.verify_against(stored) == once
    assert (once.state is PartState.VERIFIED) == (
        etag == stored_etag and size in {None, stored_size}
    )
