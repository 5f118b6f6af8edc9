"""Promises about durability: a write that has returned survives the end of the process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest

from ...application.ports import SessionQuery, SessionRepository
from ...domain.errors import SessionNotFoundError, StaleSessionError
from ...domain.session import SessionState, UploadSession
from .sample_sessions import NOW, full_session, sample_part, sample_session

OpenSessions: TypeAlias = Callable[[], AbstractAsyncContextManager[SessionRepository]]
"""Opens another repository over the same storage at each call, also while others are open."""

PARTS = [sample_part(number) for number in (1, 2, 7)]


async def store_everything(sessions: SessionRepository) -> UploadSession:
    """Call every method that writes, and return a session with reported parts."""
    await sessions.add(full_session())
    await sessions.add(sample_session())
    session = await sessions.save(sample_session().initiated("2~abc", NOW))
    await sessions.report_parts(session, PARTS[:2])
    await sessions.record_parts(session.id, PARTS[2:])
    for upload_id in ("forgotten", "purged"):
        ended = replace(sample_session(upload_id, user_id="bob"), state=SessionState.COMPLETED)
        await sessions.add(ended)
        await sessions.record_parts(upload_id, PARTS)
    await sessions.forget_parts("forgotten")
    purged = await sessions.get("purged")
    await sessions.save(replace(purged, retained_until=NOW))
    assert await sessions.purge_sessions(NOW + timedelta(days=1), 10) == 1
    return session


async def require_everything(sessions: SessionRepository, session: UploadSession) -> None:
    """Check with every method that reads what `store_everything` has stored."""
    assert await sessions.get("upload-full") == full_session()
    assert await sessions.get(session.id) == session
    assert await sessions.list_parts(session.id) == PARTS
    assert len(await sessions.list_parts(session.id)) == len(PARTS)
    assert await sessions.list_parts("forgotten") == []
    assert await sessions.list_parts("purged") == []
    with pytest.raises(SessionNotFoundError):
        await sessions.get("purged")
    assert len(await sessions.get_many(["upload-full", session.id, "forgotten", "purged"])) == 3
    page = await sessions.find(SessionQuery(user_id=session.user_id))
    assert list(page.sessions) == [session]
    due = await sessions.find_due(NOW + timedelta(days=1000), 10)
    assert {found.id for found in due} == {"upload-full", session.id}


class DurabilityContract:
    """A repository reads what any other repository over the same storage has written."""

    async def test_stored_data_survives_reopening(self, open_sessions: OpenSessions) -> None:
        async with open_sessions() as sessions:
            session = await store_everything(sessions)
        async with open_sessions() as sessions:
            await require_everything(sessions, session)

    async def test_writes_are_durable_before_the_repository_is_closed(
        self, open_sessions: OpenSessions
    ) -> None:
        # A killed process closes nothing.
        async with open_sessions() as sessions:
            session = await store_everything(sessions)
            async with open_sessions() as others:
                await require_everything(others, session)

    async def test_promises_hold_across_repositories_over_one_storage(
        self, open_sessions: OpenSessions
    ) -> None:
        async with open_sessions() as sessions, open_sessions() as others:
            await sessions.add(sample_session())
            session = await others.save(sample_session().initiated("2~abc", NOW))
            with pytest.raises(StaleSessionError):
                await others.add(sample_session())
            with pytest.raises(StaleSessionError):
                await sessions.save(sample_session())
            assert await sessions.report_parts(session, PARTS[:1]) == 1
            assert await others.report_parts(session, PARTS[1:]) == len(PARTS)
            await others.save(replace(session, state=SessionState.COMPLETING))
            with pytest.raises(StaleSessionError):
                await sessions.report_parts(session, PARTS)
