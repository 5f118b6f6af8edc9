"""The contract of the session repository, on MongoDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.application.ports import SessionRepository
from multipart_upload.testing.contract.durability import OpenSessions
from multipart_upload.testing.contract.outage import SessionRepositoryOutageContract
from multipart_upload.testing.contract.session_repository import SessionRepositoryContract
from multipart_upload.testing.contract.unreadable_sessions import (
    SpoilSession,
    UnreadableSessionContract,
)
from tests.servers.mongodb_proxy import MongoProxy


class TestMongoSessionRepository(SessionRepositoryContract):
    @pytest.fixture
    def open_sessions(self, mongo_uri: str) -> OpenSessions:
        return partial(open_mongo_sessions, mongo_uri)


@pytest.mark.deadlines
class TestMongoAway(SessionRepositoryOutageContract):
    @pytest.fixture
    async def unavailable(self, mongo_uri: str) -> AsyncIterator[SessionRepository]:
        async with MongoProxy.open(mongo_uri) as proxy, open_mongo_sessions(proxy.uri) as sessions:
            proxy.cut()
            yield sessions


class TestMongoUnreadableSession(UnreadableSessionContract):
    @pytest.fixture
    async def sessions(self, mongo_uri: str) -> AsyncIterator[SessionRepository]:
        async with open_mongo_sessions(mongo_uri) as sessions:
            yield sessions

    @pytest.fixture
    def spoil_session(self, mongo_uri: str) -> SpoilSession:
        async def spoil(upload_id: str) -> None:
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo_uri)
            async with client:
                collection = client.get_default_database()["upload_sessions"]
                # A state that a later release has added.
                await collection.update_one({"_id": upload_id}, {"$set": {"state": "paused"}})

        return spoil
