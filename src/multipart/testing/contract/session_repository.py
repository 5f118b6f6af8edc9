"""The promises of the session repository port, for adapters inside and outside this project.

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
    """A subclass provides the fixture `open_sessions`, over an empty storage.

    It is a function without arguments that returns an async context manager. Each call opens
    another repository over the same storage.
    """

    @pytest.fixture
    def open_sessions(self) -> OpenSessions:
        """Provide the function that opens the repository under test."""
        raise NotImplementedError

    # An explicit asyncio fixture, which the strict mode (the default) of the plugin requires.
    @pytest_asyncio.fixture
    async def sessions(self, open_sessions: OpenSessions) -> AsyncIterator[SessionRepository]:
        """Provide the repository under test."""
        async with open_sessions() as sessions:
            yield sessions

    async def test_check_succeeds_while_the_repository_is_open(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.check()
