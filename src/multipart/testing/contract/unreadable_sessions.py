"""Promises about a stored session that cannot be read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import pytest

from ...application.ports import SessionQuery, SessionRepository
from ...domain.errors import (
    SessionNotFoundError,
    StaleSessionError,
    StoredSessionUnreadableError,
)
from ...domain.session import SessionState
from .sample_sessions import MILLISECOND, NOW, ended_session, sample_session

SpoilSession: TypeAlias = Callable[[str], Awaitable[None]]
"""Makes the stored session of an upload id unreadable, but keeps its times."""
DAY = timedelta(days=1)


@pytest.mark.asyncio
class UnreadableSessionContract:
    """One session that cannot be read fails neither a list nor a sweep.

    A subclass provides the fixtures `sessions`, an empty repository, and
    `spoil_session`.
    """

    @pytest.fixture
    def sessions(self) -> SessionRepository:
        """Provide the repository under test."""
        raise NotImplementedError

    @pytest.fixture
    def spoil_session(self) -> SpoilSession:
        """Provide the function that makes a stored session unreadable."""
        raise NotImplementedError

    @pytest.fixture
    async def spoiled(self, sessions: SessionRepository, spoil_session: SpoilSession) -> str:
        """Store u0 to u4 of one user, make u2 and u3 unreadable, and return the id of u2."""
        for n in range(5):
            await sessions.add(sample_session(f"u{n}", created_at=NOW + n * MILLISECOND))
        for upload_id in ("u2", "u3"):
            await spoil_session(upload_id)
        return "u2"

    async def test_reading_it_names_the_upload(
        self, sessions: SessionRepository, spoiled: str
    ) -> None:
        with pytest.raises(StoredSessionUnreadableError, match=f"upload {spoiled} ") as raised:
            await sessions.get(spoiled)
        assert raised.value.upload_id == spoiled

    async def test_its_id_stays_taken(self, sessions: SessionRepository, spoiled: str) -> None:
        with pytest.raises(StaleSessionError):
            await sessions.add(sample_session(spoiled))

    async def test_other_sessions_are_read_without_it(
        self, sessions: SessionRepository, spoiled: str
    ) -> None:
        found = await sessions.get_many(["u0", spoiled, "u4"])
        assert {session.id for session in found} == {"u0", "u4"}

    @pytest.mark.usefixtures("spoiled")
    @pytest.mark.parametrize("limit", [1, 2, 3, 4])
    async def test_pages_of_a_list_have_all_other_sessions(
        self, sessions: SessionRepository, limit: int
    ) -> None:
        listed: list[str] = []
        query = SessionQuery(user_id="alice", limit=limit)
        for _ in range(5):
            page = await sessions.find(query)
            listed += [session.id for session in page.sessions]
            if not page.has_more:
                break
            assert len(page.sessions) == limit
            last = page.sessions[-1]
            query = SessionQuery(user_id="alice", limit=limit, after=(last.created_at, last.id))
        assert listed == ["u4", "u1", "u0"]

    @pytest.mark.usefixtures("spoiled")
    @pytest.mark.parametrize("limit", [1, 2, 3, 4])
    async def test_pages_of_due_sessions_are_full_without_it(
        self, sessions: SessionRepository, limit: int
    ) -> None:
        # A page that is not full is the last one to a sweep.
        due: list[str] = []
        after = None
        for _ in range(5):
            page = await sessions.find_due(NOW + DAY, limit, after)
            due += [session.id for session in page]
            if len(page) < limit:
                break
            assert page[-1].due_at is not None
            after = page[-1].due_at, page[-1].id
        assert due == ["u0", "u1", "u4"]

    async def test_it_is_removed_after_its_retention(
        self, sessions: SessionRepository, spoil_session: SpoilSession
    ) -> None:
        for upload_id in ("u0", "u1"):
            await sessions.add(ended_session(upload_id, NOW))
        await spoil_session("u0")
        assert await sessions.purge_sessions(NOW + DAY, 100) == 2
        for upload_id in ("u0", "u1"):
            with pytest.raises(SessionNotFoundError):
                await sessions.get(upload_id)

    async def test_the_log_names_the_upload_and_nothing_of_its_content(
        self, sessions: SessionRepository, spoiled: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        await sessions.find(SessionQuery(user_id="alice"))
        messages = [record.getMessage() for record in caplog.records]
        assert any(f"upload {spoiled} " in message for message in messages)
        assert not any("holiday.mp4" in message for message in messages)

    async def test_other_states_are_listed_as_before(
        self, sessions: SessionRepository, spoiled: str
    ) -> None:
        query = SessionQuery(user_id="alice", states=frozenset({SessionState.PENDING}), limit=3)
        page = await sessions.find(query)
        assert spoiled not in {session.id for session in page.sessions}
        assert len(page.sessions) == 3
