"""Session states, expiry and versions."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from multipart_upload.domain.errors import TransitionError
from multipart_upload.domain.session import SessionState, UploadSession

T0: Final = datetime(2026, 1, 1, tzinfo=UTC)
T1: Final = T0 + timedelta(hours=1)
LIFETIME: Final = timedelta(days=1)
SESSION: Final = UploadSession(
    id="u1",
    user_id="ada",
    key="ada/u1/film.mov",
    filename="film.mov",
    content_type="video/quicktime",
    created_at=T0,
    active_at=T0,
    expires_at=T0 + LIFETIME,
    state=SessionState.INITIATED,
    store_upload_id="s3-id",
)
OPEN: Final = {"initiated", "in-progress"}
TERMINAL: Final = {"completed", "aborted", "expired"}


@pytest.mark.parametrize("state", SessionState)
def test_parts_can_be_signed_only_in_open_states(state: SessionState) -> None:
    session = replace(SESSION, state=state)
    assert state.is_open == (state in OPEN)
    if state in OPEN:
        session.require_open("sign a part of")
    else:
        with pytest.raises(TransitionError, match="Cannot sign a part of an upload"):
            session.require_open("sign a part of")


def test_only_ended_states_are_terminal() -> None:
    assert {state for state in SessionState if state.is_terminal} == TERMINAL


def test_activity_moves_the_expiry() -> None:
    session = SESSION.part_recorded(T1)
    assert (session.active_at, session.expires_at) == (T1, T1 + LIFETIME)


def test_clock_that_goes_back_does_not_shorten_the_expiry() -> None:
    session = SESSION.part_recorded(T1).part_recorded(T0)
    assert (session.active_at, session.expires_at) == (T1, T1 + LIFETIME)


def test_storing_a_session_changes_only_its_version() -> None:
    assert SESSION.with_version(7).version == 7
    assert SESSION.with_version(7).with_version(0) == SESSION


def test_session_is_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        SESSION.state = SessionState.COMPLETED  # type: ignore[misc]  # the point of the test
