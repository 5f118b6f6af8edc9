"""Promises about parts that clients report: stored only while the session accepts reports."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ...application.ports import SessionRepository
from ...domain.errors import StaleSessionError
from ...domain.session import SessionState, UploadSession
from .sample_sessions import sample_part, sample_session


async def save_state(
    sessions: SessionRepository, session: UploadSession, state: SessionState, store: str | None
) -> UploadSession:
    """Save the session with this state and store upload id."""
    return await sessions.save(replace(session, state=state, store_upload_id=store))


async def open_session(sessions: SessionRepository, upload_id: str = "upload-1") -> UploadSession:
    """Store a session with an open store upload."""
    session = sample_session(upload_id)
    await sessions.add(session)
    return await save_state(sessions, session, SessionState.INITIATED, "2~first")


class PartReportingContract:
    """A report is stored only while the session is open with the store upload of the report."""

    async def test_reported_parts_are_recorded_and_counted(
        self, sessions: SessionRepository
    ) -> None:
        session = await open_session(sessions)
        assert await sessions.report_parts(session, [sample_part(2), sample_part(9)]) == 2
        assert await sessions.report_parts(session, [sample_part(2, "bb"), sample_part(1)]) == 3
        parts = [sample_part(1), sample_part(2, "bb"), sample_part(9)]
        assert await sessions.list_parts(session.id) == parts
        assert len(await sessions.list_parts(session.id)) == 3

    async def test_count_includes_parts_recorded_without_a_report(
        self, sessions: SessionRepository
    ) -> None:
        session = await open_session(sessions)
        await sessions.record_parts(session.id, [sample_part(1), sample_part(2)])
        assert await sessions.report_parts(session, [sample_part(2), sample_part(3)]) == 3

    async def test_reporting_does_not_change_the_session(self, sessions: SessionRepository) -> None:
        session = await open_session(sessions)
        await sessions.report_parts(session, [sample_part()])
        assert await sessions.get(session.id) == session

    @pytest.mark.parametrize("state", [state for state in SessionState if not state.is_open])
    async def test_closed_session_refuses_reports(
        self, sessions: SessionRepository, state: SessionState
    ) -> None:
        session = await open_session(sessions)
        await sessions.report_parts(session, [sample_part(1)])
        await save_state(sessions, session, state, "2~first")
        for number in (1, 2):
            with pytest.raises(StaleSessionError):
                await sessions.report_parts(session, [sample_part(number, "late")])
        assert await sessions.list_parts(session.id) == [sample_part(1)]
        assert len(await sessions.list_parts(session.id)) == 1

    async def test_session_closed_before_its_first_report_refuses_reports(
        self, sessions: SessionRepository
    ) -> None:
        session = await open_session(sessions)
        await save_state(sessions, session, SessionState.ABORTING, "2~first")
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(session, [sample_part()])
        assert await sessions.list_parts(session.id) == []

    async def test_reopened_session_accepts_reports_from_stale_readers(
        self, sessions: SessionRepository
    ) -> None:
        session = await open_session(sessions)
        completing = await save_state(sessions, session, SessionState.COMPLETING, "2~first")
        await save_state(sessions, completing, SessionState.IN_PROGRESS, "2~first")
        assert await sessions.report_parts(session, [sample_part()]) == 1

    async def test_session_without_a_store_upload_refuses_reports(
        self, sessions: SessionRepository
    ) -> None:
        session = await open_session(sessions)
        lost = await save_state(sessions, session, SessionState.INITIATED, None)
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(lost, [sample_part()])
        assert await sessions.list_parts(session.id) == []

    async def test_session_with_a_new_store_upload_refuses_reports_for_the_lost_one(
        self, sessions: SessionRepository
    ) -> None:
        session = await open_session(sessions)
        await sessions.report_parts(session, [sample_part(1)])
        lost = await save_state(sessions, session, SessionState.INITIATED, None)
        await sessions.forget_parts(session.id)
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(session, [sample_part(2)])
        reopened = await save_state(sessions, lost, SessionState.INITIATED, "2~second")
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(session, [sample_part(2)])
        assert await sessions.list_parts(session.id) == []
        assert await sessions.report_parts(reopened, [sample_part(3)]) == 1

    async def test_one_of_many_racing_reports_counts_all_parts(
        self, sessions: SessionRepository
    ) -> None:
        session = await open_session(sessions)
        reports = [sessions.report_parts(session, [sample_part(n)]) for n in range(1, 31)]
        assert max(await asyncio.gather(*reports)) == 30

    async def test_closing_one_session_leaves_others_open_for_reports(
        self, sessions: SessionRepository
    ) -> None:
        first, second = [await open_session(sessions, upload_id) for upload_id in ("a", "b")]
        await save_state(sessions, first, SessionState.ABORTING, "2~first")
        assert await sessions.report_parts(second, [sample_part()]) == 1

    async def test_large_report_is_stored_whole_or_refused_whole(
        self, sessions: SessionRepository
    ) -> None:
        session = await open_session(sessions)
        parts = [sample_part(number) for number in range(1, 601)]
        assert await sessions.report_parts(session, parts) == 600
        await save_state(sessions, session, SessionState.COMPLETING, "2~first")
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(session, [sample_part(n) for n in range(601, 1201)])
        assert await sessions.list_parts(session.id) == parts
