"""Promises about a repository whose database does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

import pytest

from ...application.ports import SessionQuery, SessionRepository
from ...domain.errors import RepositoryUnavailableError
from .patience import counting_loop_time
from .samples import NOW, sample_part, sample_session

PROMISED_SECONDS: Final = 5.0
"""Seconds in which a client must have an answer, be it that there is none."""
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
    "count_parts": lambda sessions: sessions.count_parts("upload-1"),
    "find": lambda sessions: sessions.find(SessionQuery(user_id="alice")),
    "find_due": lambda sessions: sessions.find_due(NOW, 1),
    "purge_sessions": lambda sessions: sessions.purge_sessions(NOW, 1),
    "check": lambda sessions: sessions.check(),
}


@pytest.mark.asyncio
class SessionRepositoryOutageContract:
    """Every method says within 5 s that the repository is not available.

    A subclass provides the fixture `away`: a repository whose database does not answer.
    """

    @pytest.fixture
    def away(self) -> SessionRepository:
        """Provide the repository to try."""
        raise NotImplementedError

    async def test_every_method_says_in_time_that_there_is_no_answer(
        self, away: SessionRepository
    ) -> None:
        promised = {name for name in vars(SessionRepository) if not name.startswith("_")}
        assert CALLS.keys() == promised
        # At once and several times over: nobody's time may be spent on waiting for the others.
        async with counting_loop_time() as waited:
            outcomes = await asyncio.gather(
                *(call(away) for _ in range(4) for call in CALLS.values()), return_exceptions=True
            )
        told = [*zip([*CALLS] * 4, map(type, outcomes), strict=True)]
        # A database in this process has no other clock than the process, which still goes.
        told = [answer for answer in told if answer != ("now", datetime)]
        assert {name for name, _ in told} >= CALLS.keys() - {"now"}
        assert not [one for one in told if not issubclass(one[1], RepositoryUnavailableError)]
        assert waited.seconds < PROMISED_SECONDS
