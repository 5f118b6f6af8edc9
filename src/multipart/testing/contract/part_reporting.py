"""Promises about the parts that clients report: only while the session takes them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ...application.ports import SessionRepository
from ...domain.errors import StaleSessionError
from ...domain.session import SessionState, UploadSession
from .samples import sample_part, sample_session


async def saved(
    sessions: SessionRepository, session: UploadSession, state: SessionState, store: str | None
) -> UploadSession:
    """Save a session in a state and with a store upload."""
    return await sessions.save(replace(session, state=state, store_upload_id=store))


async def opened(sessions: SessionRepository, upload_id: str = "upload-1") -> UploadSession:
    """Store a session that has just been opened."""
    session = sample_session(upload_id)
    await sessions.add(session)
    return await saved(sessions, session, SessionState.INITIATED, "2~first")


class PartReportingContract:
    """A report is stored while the session is open for the store upload that it was read with."""

    async def test_reported_parts_are_recorded_and_counted(
        self, sessions: SessionRepository
    ) -> None:
        session = await opened(sessions)
        assert await sessions.report_parts(session, [sample_part(2), sample_part(9)]) == 2
        assert await sessions.report_parts(session, [sample_part(2, "bb"), sample_part(1)]) == 3
        parts = [sample_part(1), sample_part(2, "bb"), sample_part(9)]
        assert await sessions.list_parts(session.id) == parts
        assert await sessions.count_parts(session.id) == 3

    async def test_parts_recorded_otherwise_are_counted_too(
        self, sessions: SessionRepository
    ) -> None:
        session = await opened(sessions)
        await sessions.record_parts(session.id, [sample_part(1), sample_part(2)])
        assert await sessions.report_parts(session, [sample_part(2), sample_part(3)]) == 3

    async def test_reporting_leaves_the_session_as_it_is(self, sessions: SessionRepository) -> None:
        session = await opened(sessions)
        await sessions.report_parts(session, [sample_part()])
        assert await sessions.get(session.id) == session

    @pytest.mark.parametrize("state", [state for state in SessionState if not state.is_open])
    async def test_of_a_session_that_is_not_open_any_more_no_report_is_stored(
        self, sessions: SessionRepository, state: SessionState
    ) -> None:
        session = await opened(sessions)
        await sessions.report_parts(session, [sample_part(1)])
        await saved(sessions, session, state, "2~first")
        for number in (1, 2):
            with pytest.raises(StaleSessionError):
                await sessions.report_parts(session, [sample_part(number, "late")])
        assert await sessions.list_parts(session.id) == [sample_part(1)]
        assert await sessions.count_parts(session.id) == 1

    async def test_not_open_before_its_first_report_it_takes_none_either(
        self, sessions: SessionRepository
    ) -> None:
        session = await opened(sessions)
        await saved(sessions, session, SessionState.ABORTING, "2~first")
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(session, [sample_part()])
        assert await sessions.list_parts(session.id) == []

    async def test_a_session_that_is_open_again_takes_reports_by_whomever_it_was_read_before(
        self, sessions: SessionRepository
    ) -> None:
        session = await opened(sessions)
        completing = await saved(sessions, session, SessionState.COMPLETING, "2~first")
        await saved(sessions, completing, SessionState.IN_PROGRESS, "2~first")
        assert await sessions.report_parts(session, [sample_part()]) == 1

    async def test_a_session_without_a_store_upload_takes_no_reports(
        self, sessions: SessionRepository
    ) -> None:
        session = await opened(sessions)
        lost = await saved(sessions, session, SessionState.INITIATED, None)
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(lost, [sample_part()])
        assert await sessions.list_parts(session.id) == []

    async def test_a_session_whose_store_upload_was_lost_takes_reports_of_the_next_one_only(
        self, sessions: SessionRepository
    ) -> None:
        session = await opened(sessions)
        await sessions.report_parts(session, [sample_part(1)])
        lost = await saved(sessions, session, SessionState.INITIATED, None)
        await sessions.forget_parts(session.id)
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(session, [sample_part(2)])
        again = await saved(sessions, lost, SessionState.INITIATED, "2~second")
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(session, [sample_part(2)])
        assert await sessions.list_parts(session.id) == []
        assert await sessions.report_parts(again, [sample_part(3)]) == 1

    async def test_of_racing_reports_one_counts_all(self, sessions: SessionRepository) -> None:
        session = await opened(sessions)
        reports = [sessions.report_parts(session, [sample_part(n)]) for n in range(1, 31)]
        assert max(await asyncio.gather(*reports)) == 30

    async def test_sessions_are_closed_one_by_one(self, sessions: SessionRepository) -> None:
        first, second = [await opened(sessions, upload_id) for upload_id in ("a", "b")]
        await saved(sessions, first, SessionState.ABORTING, "2~first")
        assert await sessions.report_parts(second, [sample_part()]) == 1

    async def test_hundreds_of_parts_are_all_taken_or_once_it_is_not_open_all_refused(
        self, sessions: SessionRepository
    ) -> None:
        session = await opened(sessions)
        parts = [sample_part(number) for number in range(1, 601)]
        assert await sessions.report_parts(session, parts) == 600
        await saved(sessions, session, SessionState.COMPLETING, "2~first")
        with pytest.raises(StaleSessionError):
            await sessions.report_parts(session, [sample_part(n) for n in range(601, 1201)])
        assert await sessions.list_parts(session.id) == parts
