"""The promises of the session repository port, for adapters of this project and of others.

class TestMySessionRepository(SessionRepositoryContract):
    @pytest.fixture
    async def sessions(self) -> AsyncIterator[SessionRepository]:
        async with open_my_sessions(...) as sessions:
            yield sessions
"""

from __future__ import annotations

import pytest

from ...application.ports import SessionRepository
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
):
    """A subclass provides the fixture `sessions`: an open repository with nothing in it."""

    @pytest.fixture
    def sessions(self) -> SessionRepository:
        """Provide the repository to try."""
        raise NotImplementedError

    async def test_an_open_repository_answers(self, sessions: SessionRepository) -> None:
        await sessions.check()
