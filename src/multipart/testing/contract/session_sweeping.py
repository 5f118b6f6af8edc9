"""Promises to the sweep: the current time, due sessions, purging after retention."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ...application.ports import SessionRepository
from ...domain.errors import SessionNotFoundError
from ...domain.session import Lease, SessionState, UploadSession
from .sample_sessions import (
    MILLISECOND,
    NOW,
    ended_session,
    full_session,
    sample_part,
    sample_session,
)

SLACK = timedelta(minutes=1)
"""Largest difference between the database's clock and ours."""
DAY = timedelta(days=1)


def ids(found: Sequence[UploadSession]) -> list[str]:
    """Return the ids in their order."""
    return [session.id for session in found]


class SessionSweepingContract:
    """No session is due early, and every due session is found."""

    async def test_now_is_in_utc_with_millisecond_precision(
        self, sessions: SessionRepository
    ) -> None:
        now = await sessions.now()
        assert now.utcoffset() == timedelta(0)
        assert now.microsecond % 1000 == 0
        assert abs(datetime.now(UTC) - now) < SLACK

    async def test_now_advances(self, sessions: SessionRepository) -> None:
        before = await sessions.now()
        await asyncio.sleep(0.02)
        assert timedelta(0) < await sessions.now() - before < SLACK

    async def test_get_many_returns_the_sessions_that_exist(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(full_session())
        for n in range(3):
            await sessions.add(sample_session(f"u{n}"))
        found = await sessions.get_many(["u2", "upload-full", "unknown", "u0"])
        assert sorted(found, key=lambda session: session.id) == [
            sample_session("u0"),
            sample_session("u2"),
            full_session(),
        ]

    async def test_get_many_accepts_a_thousand_ids(self, sessions: SessionRepository) -> None:
        await sessions.add(sample_session("u7"))
        assert await sessions.get_many([]) == []
        assert ids(await sessions.get_many([f"u{n}" for n in range(1000)])) == ["u7"]

    async def test_session_becomes_due_at_the_time_for_its_state(
        self, sessions: SessionRepository
    ) -> None:
        lease = Lease("worker", NOW + 2 * DAY)
        due = {state: sample_session(state, state=state) for state in SessionState}
        due[SessionState.COMPLETING] = replace(due[SessionState.COMPLETING], lease=lease)
        for session in due.values():
            await sessions.add(session)
        times = {session.due_at for session in due.values() if session.due_at is not None}
        assert times == {NOW, NOW + DAY, NOW + 2 * DAY}
        for time in times:
            for before in (time, time + MILLISECOND):
                expected = {
                    session.id
                    for session in due.values()
                    if session.due_at is not None and session.due_at < before
                }
                assert set(ids(await sessions.find_due(before, 100))) == expected

    async def test_terminal_sessions_are_never_due(self, sessions: SessionRepository) -> None:
        for state in SessionState:
            if state.is_terminal:
                await sessions.add(sample_session(state, state=state))
        assert await sessions.find_due(NOW + 1000 * DAY, 100) == []

    async def test_find_due_returns_every_field(self, sessions: SessionRepository) -> None:
        await sessions.add(full_session())
        assert await sessions.find_due(NOW + DAY, 100) == [full_session()]

    async def test_session_becomes_due_by_its_last_saved_state(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(sample_session())
        saved = await sessions.save(sample_session().initiated("2~abc", NOW))
        assert await sessions.find_due(NOW + DAY, 100) == []
        assert await sessions.find_due(NOW + DAY + MILLISECOND, 100) == [saved]

    @pytest.mark.parametrize("limit", [1, 2, 5])
    async def test_pages_of_due_sessions_have_no_gaps_and_no_repeats(
        self, sessions: SessionRepository, limit: int
    ) -> None:
        # Two sessions share each time, so that pages end both within and between times.
        for n in range(8):
            session = sample_session(
                f"u{n}", user_id=f"user-{n % 2}", created_at=NOW - n // 2 * MILLISECOND
            )
            await sessions.add(session)
        seen: list[str] = []
        after: tuple[datetime, str] | None = None
        for _ in range(10):
            page = await sessions.find_due(NOW + DAY, limit, after)
            assert len(page) <= limit
            if not page:
                break
            seen += ids(page)
            assert page[-1].due_at is not None
            after = page[-1].due_at, page[-1].id
        assert seen == ["u6", "u7", "u4", "u5", "u2", "u3", "u0", "u1"]

    async def test_purge_removes_sessions_past_their_retention_with_their_parts(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(ended_session("expired", NOW - MILLISECOND))
        await sessions.add(ended_session("retained", NOW))
        await sessions.add(sample_session("open", state=SessionState.IN_PROGRESS))
        for upload_id in ("expired", "retained", "open"):
            await sessions.record_parts(upload_id, [sample_part()])
        assert await sessions.purge_sessions(NOW, 100) == 1
        with pytest.raises(SessionNotFoundError):
            await sessions.get("expired")
        assert await sessions.list_parts("expired") == []
        for upload_id in ("retained", "open"):
            assert (await sessions.get(upload_id)).id == upload_id
            assert len(await sessions.list_parts(upload_id)) == 1

    async def test_purge_keeps_old_parts_of_retained_sessions(
        self, sessions: SessionRepository
    ) -> None:
        # From an upload that took years, or from a worker whose clock is behind.
        await sessions.add(sample_session())
        session = await sessions.save(sample_session().initiated("2~abc", NOW))
        old = replace(sample_part(), recorded_at=datetime(2001, 1, 1, tzinfo=UTC))
        await sessions.report_parts(session, [old])
        ended = replace(session, state=SessionState.COMPLETED, retained_until=NOW + DAY)
        await sessions.save(ended)
        assert await sessions.purge_sessions(NOW + DAY, 100) == 0
        assert await sessions.list_parts(session.id) == [old]
        assert len(await sessions.list_parts(session.id)) == 1

    async def test_purge_removes_at_most_the_limit(self, sessions: SessionRepository) -> None:
        for n in range(3):
            await sessions.add(ended_session(f"u{n}", NOW))
        after = NOW + DAY
        assert await sessions.purge_sessions(after, 2) == 2
        assert len(await sessions.get_many(["u0", "u1", "u2"])) == 1
        assert await sessions.purge_sessions(after, 2) == 1
        assert await sessions.purge_sessions(after, 2) == 0
