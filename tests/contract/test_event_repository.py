"""Every repository of events keeps the port's promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from multipart_upload.adapters.clock import SystemClock
from multipart_upload.adapters.mongo import open_mongo_events, open_mongo_sessions
from multipart_upload.adapters.sql import open_sql_events, open_sql_sessions
from multipart_upload.testing.contract.event_repository import EventPorts, EventRepositoryContract
from multipart_upload.testing.memory import MemoryEventRepository, MemorySessionRepository


class TestMemoryEvents(EventRepositoryContract):
    @pytest.fixture
    def events(self) -> EventPorts:
        sessions = MemorySessionRepository(SystemClock())
        return EventPorts(sessions, MemoryEventRepository(sessions))


class TestSqliteEvents(EventRepositoryContract):
    @pytest.fixture
    async def events(self, tmp_path: Path) -> AsyncIterator[EventPorts]:
        url = f"sqlite+aiosqlite:///{tmp_path}/events.db"
        async with open_sql_sessions(url) as sessions, open_sql_events(url) as events:
            yield EventPorts(sessions, events)


@pytest.mark.integration
class TestPostgresqlEvents(EventRepositoryContract):
    @pytest.fixture
    async def events(self, postgresql_url: str) -> AsyncIterator[EventPorts]:
        async with (
            open_sql_sessions(postgresql_url) as sessions,
            open_sql_events(postgresql_url) as events,
        ):
            yield EventPorts(sessions, events)


@pytest.mark.integration
class TestMongoEvents(EventRepositoryContract):
    @pytest.fixture
    async def events(self, mongo_uri: str) -> AsyncIterator[EventPorts]:
        async with (
            open_mongo_sessions(mongo_uri) as sessions,
            open_mongo_events(mongo_uri) as events,
        ):
            yield EventPorts(sessions, events)
