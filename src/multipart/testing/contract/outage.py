"""Promises of a repository while its database is unavailable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

import pytest

from ...application.ports import SessionQuery, SessionRepository
from ...domain.errors import RepositoryUnavailableError
from .patience import measure_loop_time
from .sample_sessions import NOW, sample_part, sample_session

PROMISED_SECONDS: Final = 5.0
"""Every method returns or raises within this time."""
Call: TypeAlias = Callable[[SessionRepository], Awaitable[object]]
CALLS: Final[Mapping[str, Call]] = {
    "now": lambda sessions: sessions.now(),
    "add": lambda sessions: sessions.add(sample_session("new")),
    "get": lambda sessions: sessions.get("upload-1"),
    "get_many": lambda sessions: sessions.get_many(["upload-1"]),
    "save": lambda sessions: sessions.save(sample_session()),
    "record_parts": lambda sessions: sessions.record_parts("upload-1", [sample_part()]),
    "report_parts": lambda sessions: sessions.report_parts(
        replace(sample_session(), store_upload_id="2~abc"), [sample_part()]
    ),
    "list_parts": lambda sessions: sessions.list_parts("upload-1"),
    "forget_parts": lambda sessions: sessions.forget_parts("upload-1"),
    "find": lambda sessions: sessions.find(SessionQuery(user_id="alice")),
    "find_due": lambda sessions: sessions.find_due(NOW, 1),
    "purge_sessions": lambda sessions: sessions.purge_sessions(NOW, 1),
    "check": lambda sessions: sessions.check(),
}


@pytest.mark.asyncio
class SessionRepositoryOutageContract:
    """Every method raises RepositoryUnavailableError within 5 s.

    A subclass provides the fixture `unavailable`: a repository whose database does not answer.
    """

    @pytest.fixture
    def unavailable(self) -> SessionRepository:
        """Provide the repository under test."""
        raise NotImplementedError

    async def test_every_method_raises_unavailable_in_time(
        self, unavailable: SessionRepository
    ) -> None:
        promised = {name for name in vars(SessionRepository) if not name.startswith("_")}
        assert CALLS.keys() == promised
        # Concurrently and repeatedly: calls that queue for one another must be in time as well.
        async with measure_loop_time() as waited:
            outcomes = await asyncio.gather(
                *(call(unavailable) for _ in range(4) for call in CALLS.values()),
                return_exceptions=True,
            )
        answers = [*zip([*CALLS] * 4, map(type, outcomes), strict=True)]
        # An embedded database reads the clock of this process, which is still available.
        answers = [answer for answer in answers if answer != ("now", datetime)]
        assert {name for name, _ in answers} >= CALLS.keys() - {"now"}
        assert not [one for one in answers if not issubclass(one[1], RepositoryUnavailableError)]
        assert waited.seconds < PROMISED_SECONDS
