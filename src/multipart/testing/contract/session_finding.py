"""Promises about listing a user's sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ...application.ports import SessionPage, SessionQuery, SessionRepository
from ...domain.session import SessionState, UploadSession
from ...domain.upload_token import TokenUse
from .sample_sessions import MILLISECOND, NOW, full_session, sample_session

HOUR = timedelta(hours=1)


async def add_all(sessions: SessionRepository, *new: UploadSession) -> None:
    """Add the sessions in order."""
    for session in new:
        await sessions.add(session)


def ids(page: SessionPage) -> list[str]:
    """Return the ids of a page in its order."""
    return [session.id for session in page.sessions]


def next_cursor(page: SessionPage) -> tuple[datetime, str]:
    """Return the cursor of the next page."""
    last = page.sessions[-1]
    return last.created_at, last.id


class SessionFindingContract:
    """A query returns each matching session of the user once, newest first."""

    async def test_find_returns_every_field(self, sessions: SessionRepository) -> None:
        await add_all(sessions, full_session())
        page = await sessions.find(SessionQuery(user_id=full_session().user_id))
        assert list(page.sessions) == [full_session()]
        assert not page.has_more

    async def test_newest_session_comes_first(self, sessions: SessionRepository) -> None:
        for n, offset in enumerate((2, 0, 3, 1)):
            await sessions.add(sample_session(f"u{n}", created_at=NOW + offset * MILLISECOND))
        assert ids(await sessions.find(SessionQuery(user_id="alice"))) == ["u2", "u0", "u3", "u1"]

    async def test_sessions_of_one_moment_are_ordered_by_descending_id(
        self, sessions: SessionRepository
    ) -> None:
        # By code point: a database's collation may put lower case and hyphens elsewhere.
        await add_all(
            sessions, *(sample_session(upload_id) for upload_id in ("b", "-c", "B", "a_"))
        )
        assert ids(await sessions.find(SessionQuery(user_id="alice"))) == ["b", "a_", "B", "-c"]

    async def test_sessions_of_other_users_are_never_returned(
        self, sessions: SessionRepository
    ) -> None:
        names = ("alice", "Alice", "alice ", "alic", "alicee", "%", "_____", "$ne", "al\u00edce")
        for n, user_id in enumerate(names):
            await sessions.add(sample_session(f"u{n}", user_id=user_id))
        for n, user_id in enumerate(names):
            assert ids(await sessions.find(SessionQuery(user_id=user_id))) == [f"u{n}"]

    async def test_only_sessions_of_the_token_are_returned(
        self, sessions: SessionRepository
    ) -> None:
        for n, use in enumerate((TokenUse("t1", NOW), TokenUse("t2", NOW), None)):
            await sessions.add(replace(sample_session(f"u{n}"), token=use))
        for user_id, found in (("alice", ["u0"]), ("bob", [])):
            query = SessionQuery(user_id=user_id, token_id=TokenUse("t1", NOW).token_id)
            assert ids(await sessions.find(query)) == found

    async def test_user_without_sessions_gets_an_empty_page(
        self, sessions: SessionRepository
    ) -> None:
        await add_all(sessions, sample_session())
        page = await sessions.find(SessionQuery(user_id="bob"))
        assert (list(page.sessions), page.has_more) == ([], False)

    async def test_only_the_requested_states_are_returned(
        self, sessions: SessionRepository
    ) -> None:
        await add_all(sessions, *(sample_session(state, state=state) for state in SessionState))
        states = frozenset({SessionState.IN_PROGRESS, SessionState.COMPLETED})
        page = await sessions.find(SessionQuery(user_id="alice", states=states))
        assert {session.state for session in page.sessions} == states
        everything = await sessions.find(SessionQuery(user_id="alice"))
        assert {session.state for session in everything.sessions} == set(SessionState)

    async def test_session_is_found_by_its_last_saved_state(
        self, sessions: SessionRepository
    ) -> None:
        await add_all(sessions, sample_session())
        await sessions.save(sample_session().initiated("2~abc", NOW))
        for state, found in ((SessionState.INITIATED, ["upload-1"]), (SessionState.PENDING, [])):
            query = SessionQuery(user_id="alice", states=frozenset({state}))
            assert ids(await sessions.find(query)) == found

    async def test_created_from_is_inclusive_and_created_before_exclusive(
        self, sessions: SessionRepository
    ) -> None:
        for n in range(5):
            await sessions.add(sample_session(f"u{n}", created_at=NOW + n * MILLISECOND))
        query = SessionQuery(
            user_id="alice",
            created_from=NOW + MILLISECOND,
            created_before=NOW + 3 * MILLISECOND,
        )
        assert ids(await sessions.find(query)) == ["u2", "u1"]
        assert ids(await sessions.find(replace(query, created_from=None))) == ["u2", "u1", "u0"]
        assert ids(await sessions.find(replace(query, created_before=None))) == [
            "u4",
            "u3",
            "u2",
            "u1",
        ]

    @pytest.mark.parametrize(("limit", "has_more"), [(2, True), (3, False), (4, False)])
    async def test_page_reports_whether_more_follow(
        self, sessions: SessionRepository, limit: int, *, has_more: bool
    ) -> None:
        await add_all(sessions, *(sample_session(f"u{n}") for n in range(3)))
        page = await sessions.find(SessionQuery(user_id="alice", limit=limit))
        assert (len(page.sessions), page.has_more) == (min(limit, 3), has_more)

    async def test_filtered_out_sessions_do_not_count_as_more(
        self, sessions: SessionRepository
    ) -> None:
        await add_all(
            sessions,
            sample_session("u1", state=SessionState.COMPLETED),
            sample_session("u0"),
            sample_session("other", user_id="bob"),
        )
        query = SessionQuery(user_id="alice", states=frozenset({SessionState.COMPLETED}), limit=1)
        page = await sessions.find(query)
        assert (ids(page), page.has_more) == (["u1"], False)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7])
    async def test_pages_have_no_gaps_and_no_repeats(
        self, sessions: SessionRepository, limit: int
    ) -> None:
        # Three sessions share each time, so that pages end both within and between times.
        for n in range(12):
            await sessions.add(sample_session(f"u{n:02}", created_at=NOW + n // 3 * MILLISECOND))
            await sessions.add(sample_session(f"other-{n}", user_id="bob"))
        page = await sessions.find(SessionQuery(user_id="alice", limit=limit))
        seen = ids(page)
        while (
            page.has_more and len(seen) < 100
        ):  # a cursor that does not advance would loop endlessly
            query = SessionQuery(user_id="alice", limit=limit, after=next_cursor(page))
            page = await sessions.find(query)
            seen += ids(page)
        assert seen == [f"u{n:02}" for n in reversed(range(12))]

    async def test_sessions_added_while_paging_do_not_shift_later_pages(
        self, sessions: SessionRepository
    ) -> None:
        await add_all(sessions, *(sample_session(f"u{n}") for n in range(4)))
        first = await sessions.find(SessionQuery(user_id="alice", limit=2))
        await sessions.add(sample_session("newer", created_at=NOW + MILLISECOND))
        query = SessionQuery(user_id="alice", limit=2, after=next_cursor(first))
        assert ids(first) + ids(await sessions.find(query)) == ["u3", "u2", "u1", "u0"]

    async def test_filters_apply_to_every_page(self, sessions: SessionRepository) -> None:
        for n in range(12):
            state = SessionState.COMPLETED if n % 2 else SessionState.ABORTED
            created_at = NOW + n * HOUR
            await sessions.add(sample_session(f"u{n:02}", created_at=created_at, state=state))
        query = SessionQuery(
            user_id="alice",
            states=frozenset({SessionState.COMPLETED}),
            created_from=NOW + 3 * HOUR,
            created_before=NOW + 11 * HOUR,
            limit=3,
        )
        first = await sessions.find(query)
        second = await sessions.find(replace(query, after=next_cursor(first)))
        assert (ids(first), first.has_more) == (["u09", "u07", "u05"], True)
        assert (ids(second), second.has_more) == (["u03"], False)
