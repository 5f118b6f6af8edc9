"""Parts are never purged before their session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import AutoReconnect

from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.adapters.mongo.session_repository import MongoSessionRepository
from multipart_upload.application.ports import SessionQuery
from multipart_upload.domain.errors import RepositoryUnavailableError, SessionNotFoundError
from multipart_upload.domain.session import SessionState
from multipart_upload.testing.contract.sample_sessions import NOW, sample_part, sample_session

pytestmark = pytest.mark.integration
AFTER = NOW + timedelta(days=1)
ENDED = replace(sample_session(state=SessionState.COMPLETED), retained_until=NOW)


@pytest.fixture
async def sessions(mongo_uri: str) -> AsyncIterator[MongoSessionRepository]:
    async with open_mongo_sessions(mongo_uri) as sessions:
        assert isinstance(sessions, MongoSessionRepository)
        yield sessions


class CrashingCollection:
    """A collection with one method that never reaches the server, as in a crash."""

    def __init__(self, collection: AsyncCollection[dict[str, Any]], method: str) -> None:
        self._collection = collection
        self._method = method

    def __getattr__(self, name: str) -> Any:
        return self._crash if name == self._method else getattr(self._collection, name)

    async def _crash(self, *_: Any, **__: Any) -> Any:
        raise AutoReconnect


async def test_mongodb_expires_no_documents_by_itself(
    mongo_uri: str, sessions: MongoSessionRepository
) -> None:
    # An upload older than UPLOAD_EXPIRY_SECONDS, or a worker with a slow clock.
    reported_long_ago = replace(sample_part(), recorded_at=datetime(2001, 1, 1, tzinfo=UTC))
    await sessions.add(sample_session())
    session = await sessions.save(sample_session().initiated("2~a", NOW))
    await sessions.report_parts(session, [reported_long_ago])
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    with client:
        database = client.get_default_database()
        for collection in ("upload_sessions", "upload_parts"):
            indexes = database[collection].index_information().values()
            assert not any("expireAfterSeconds" in index for index in indexes)


@pytest.mark.parametrize(
    ("collection", "method"),
    [("sessions", "update_one"), ("parts", "delete_many"), ("sessions", "delete_one")],
)
async def test_readable_session_has_its_parts_after_an_interrupted_purge(
    sessions: MongoSessionRepository, collection: str, method: str
) -> None:
    await sessions.add(ENDED)
    await sessions.record_parts("upload-1", [sample_part(1), sample_part(2)])
    dying: Any = {collection: CrashingCollection(getattr(sessions, collection), method)}
    with pytest.raises(RepositoryUnavailableError):
        await replace(sessions, **dying).purge_sessions(AFTER, 10)
    try:
        await sessions.get("upload-1")
    except SessionNotFoundError:
        assert await sessions.get_many(["upload-1"]) == []
        page = await sessions.find(SessionQuery(user_id=ENDED.user_id))
        assert page.sessions == []
    else:
        assert len(await sessions.list_parts("upload-1")) == 2
        assert len(await sessions.list_parts("upload-1")) == 2
    assert await sessions.purge_sessions(AFTER, 10) == 1
    assert await sessions.list_parts("upload-1") == []
    assert await sessions.purge_sessions(AFTER, 10) == 0


async def test_id_can_be_reused_only_after_its_parts_are_purged(
    sessions: MongoSessionRepository,
) -> None:
    await sessions.add(ENDED)
    await sessions.record_parts("upload-1", [sample_part()])
    dying: Any = CrashingCollection(sessions.parts, "delete_many")
    with pytest.raises(RepositoryUnavailableError):
        await replace(sessions, parts=dying).purge_sessions(AFTER, 10)
    with pytest.raises(RepositoryUnavailableError):
        await sessions.add(sample_session())
    await sessions.purge_sessions(AFTER, 10)
    await sessions.add(sample_session())
    assert await sessions.list_parts("upload-1") == []
    assert await sessions.get("upload-1") == sample_session()
