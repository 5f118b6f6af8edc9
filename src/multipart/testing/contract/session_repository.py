"""The promises of the session repository port, for adapters of this project and of others.

class TestMySessions(SessionRepositoryContract):
    @pytest.fixture
    def open_sessions(self, tmp_path):
        return partial(open_my_sessions, tmp_path / "sessions.db")
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ...application.ports import SessionRepository
from .durability import DurabilityContract, OpenSessions
from .part_recording import PartRecordingContract
from .part_reporting import PartReportingContract
from .session_finding import SessionFindingContract
from .session_saving import SessionSavingContract
from .session_sweeping import SessionSweepingContract


@pytest.mark.asyncio
class SessionRepositoryContract(
    SessionSavingContract,
    PartRecordingContract,
    PartReportingContract,
    SessionFindingContract,
    SessionSweepingContract,
    DurabilityContract,
):
    """A subclass provides the fixture `open_sessions`, over a storage with nothing in it.

    It is a function without arguments that returns an async context manager. Each call opens the
    same storage.
    """

    @pytest.fixture
    def open_sessions(self) -> OpenSessions:
        """Provide what opens the repository to try."""
        raise NotImplementedError

    # Marked as asynchronous by itself: the plugin's strict mode, its default, wants that.
    @pytest_asyncio.fixture
    async def sessions(self, open_sessions: OpenSessions) -> AsyncIterator[SessionRepository]:
        """Provide the repository to try."""
        async with open_sessions() as sessions:
            yield sessions

    async def test_an_open_repository_answers(self, sessions: SessionRepository) -> None:
        await sessions.check()
