"""Every session repository keeps the port's promises; MongoDB's has a file of its own."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import make_url

from multipart_upload.adapters.clock import SystemClock
from multipart_upload.adapters.sql import SqlSessionRepository, open_sql_sessions
from multipart_upload.adapters.sql.engine import open_database
from multipart_upload.application.ports import SessionRepository
from multipart_upload.testing.contract.durability import OpenSessions
from multipart_upload.testing.contract.outage import SessionRepositoryOutageContract
from multipart_upload.testing.contract.session_repository import SessionRepositoryContract
from multipart_upload.testing.contract.unreadable_sessions import (
    SpoilSession,
    UnreadableSessionContract,
)
from multipart_upload.testing.memory import MemorySessionRepository
from tests.servers.postgresql import PostgresqlServer
from tests.servers.sql_databases import SqlDatabase


class TestMemorySessionRepository(SessionRepositoryContract):
    @pytest.fixture
    def open_sessions(self) -> OpenSessions:
        sessions = MemorySessionRepository(SystemClock())  # kept in memory, so never reopened
        return lambda: nullcontext(sessions)


class TestSqliteSessionRepository(SessionRepositoryContract):
    @pytest.fixture
    def open_sessions(self, tmp_path: Path) -> OpenSessions:
        return partial(open_sql_sessions, f"sqlite+aiosqlite:///{tmp_path}/uploads.db")


class TestSqlUnreadableSession(UnreadableSessionContract):
    @pytest.fixture
    async def sessions(self, sql_database: SqlDatabase) -> AsyncIterator[SessionRepository]:
        async with open_sql_sessions(sql_database.url) as sessions:
            yield sessions

    @pytest.fixture
    def spoil_session(self, sql_database: SqlDatabase) -> SpoilSession:
        async def spoil(upload_id: str) -> None:
            # A state that a later release has added.
            spoilt = f"UPDATE upload_sessions SET state = 'paused' WHERE id = '{upload_id}'"  # noqa: S608
            await sql_database.execute(spoilt)

        return spoil


@pytest.mark.deadlines
class TestSqliteFileDestroyed(SessionRepositoryOutageContract):
    @pytest.fixture
    async def unavailable(self, tmp_path: Path) -> AsyncIterator[SessionRepository]:
        file = tmp_path / "uploads.db"
        file.write_bytes(b"No database has been here. " * 100)
        database = open_database(make_url(f"sqlite+aiosqlite:///{file}"))
        yield SqlSessionRepository(database)
        await database.close()


@pytest.mark.integration
class TestPostgresqlSessionRepository(SessionRepositoryContract):
    @pytest.fixture
    def open_sessions(self, postgresql_url: str) -> OpenSessions:
        return partial(open_sql_sessions, postgresql_url)


@pytest.mark.integration
@pytest.mark.deadlines
class TestPostgresqlDatabaseGone(SessionRepositoryOutageContract):
    @pytest.fixture
    async def unavailable(
        self, postgresql_server: PostgresqlServer
    ) -> AsyncIterator[SessionRepository]:
        database = open_database(make_url(postgresql_server.url("nowhere")))
        yield SqlSessionRepository(database)
        await database.close()


@pytest.mark.integration
@pytest.mark.deadlines
class TestPostgresqlFrozen(SessionRepositoryOutageContract):
    """The server accepts connections and never answers."""

    @pytest.fixture
    async def unavailable(
        self, postgresql_server: PostgresqlServer, postgresql_url: str
    ) -> AsyncIterator[SessionRepository]:
        async with open_sql_sessions(postgresql_url) as sessions:
            postgresql_server.signal_all(signal.SIGSTOP)
            yield sessions
            postgresql_server.signal_all(signal.SIGCONT)
