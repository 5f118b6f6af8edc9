"""The part bitmap matches its session, wherever a process dies or stalls between two writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, DuplicateKeyError

from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.adapters.mongo.session_repository import MongoSessionRepository
from multipart_upload.application.ports import SessionRepository
from multipart_upload.domain.errors import StaleSessionError
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.testing.contract.sample_sessions import NOW, sample_part, sample_session

pytestmark = pytest.mark.integration


@pytest.fixture
async def sessions(mongo_uri: str) -> AsyncIterator[MongoSessionRepository]:
    async with open_mongo_sessions(mongo_uri) as sessions:
        assert isinstance(sessions, MongoSessionRepository)
        yield sessions


@pytest.fixture
def documents(mongo_uri: str) -> Iterator[Collection[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    with client:
        yield client.get_default_database()["upload_parts"]


class PartsProxy:
    """The collection of parts; a subclass changes one method."""

    def __init__(self, parts: AsyncCollection[dict[str, Any]]) -> None:
        self.parts = parts

    def __getattr__(self, name: str) -> Any:
        return getattr(self.parts, name)


def bitmap_in(documents: Collection[dict[str, Any]], upload_id: str = "upload-1") -> dict[str, Any]:
    bitmap = documents.find_one({"_id": f"{upload_id}/00000"})
    assert bitmap is not None
    return bitmap


async def in_progress(sessions: SessionRepository) -> UploadSession:
    await sessions.add(sample_session())
    session = await sessions.save(sample_session().initiated("2~a", NOW))
    await sessions.report_parts(session, [sample_part(1)])
    return await sessions.save(session.part_recorded(NOW))


async def test_report_reopens_a_bitmap_left_closed_by_a_crash(
    sessions: SessionRepository, documents: Collection[dict[str, Any]]
) -> None:
    session = await in_progress(sessions)
    # S3 refused a complete, and the process died after it had saved the session.
    closed = {"store_upload_id": None, "version": session.version - 1}
    documents.update_one({"_id": "upload-1/00000"}, {"$set": closed})
    assert await sessions.report_parts(session, [sample_part(2)]) == 2
    assert await sessions.report_parts(session, [sample_part(3)]) == 3


async def test_save_closes_a_bitmap_left_open_by_a_crash(
    sessions: SessionRepository, documents: Collection[dict[str, Any]]
) -> None:
    session = await in_progress(sessions)
    completing = await sessions.save(replace(session, state=SessionState.COMPLETING))
    outdated = {"store_upload_id": "2~a", "version": session.version}
    documents.update_one({"_id": "upload-1/00000"}, {"$set": outdated})
    await sessions.report_parts(session, [sample_part(2)])
    await sessions.save(completing)
    with pytest.raises(StaleSessionError):
        await sessions.report_parts(session, [sample_part(3)])
    assert [part.number for part in await sessions.list_parts("upload-1")] == [1, 2]


async def test_the_bitmap_keeps_the_later_of_two_saves_in_any_order(
    sessions: SessionRepository, documents: Collection[dict[str, Any]]
) -> None:
    session = await in_progress(sessions)
    later = {"store_upload_id": None, "version": session.version + 2}
    documents.update_one({"_id": "upload-1/00000"}, {"$set": later})
    await sessions.save(session)
    bitmap = bitmap_in(documents)
    assert {name: bitmap[name] for name in later} == later


async def test_full_words_are_removed_and_count_until_parts_are_forgotten(
    sessions: SessionRepository, documents: Collection[dict[str, Any]]
) -> None:
    session = await in_progress(sessions)
    assert await sessions.report_parts(session, [sample_part(n) for n in range(1, 601)]) == 600
    assert await sessions.report_parts(session, [sample_part(599), sample_part(601)]) == 601
    bitmap = bitmap_in(documents)
    assert (bitmap["filled"], sorted(bitmap["bits"])) == (10, ["10", "9"])
    await sessions.forget_parts("upload-1")
    assert await sessions.report_parts(session, [sample_part(2)]) == 1


async def test_words_that_were_full_before_parts_were_forgotten_do_not_count(
    sessions: MongoSessionRepository,
) -> None:
    class LostOnceRead(PartsProxy):
        """The collection, of which a store upload is lost just after its parts have been read."""

        async def find_one(self, *args: Any) -> Any:
            found = await self.parts.find_one(*args)
            lost = await sessions.save(replace(session, store_upload_id=None))
            await sessions.forget_parts("upload-1")
            await sessions.save(replace(lost, store_upload_id="2~b"))
            return found

    session = await in_progress(sessions)
    slow = replace(sessions, parts=LostOnceRead(sessions.parts))  # type: ignore[arg-type]
    await slow.report_parts(session, [sample_part(n) for n in range(1, 601)])
    assert len(await sessions.list_parts("upload-1")) == 0


async def test_concurrent_first_reports_and_saves_make_one_bitmap(
    sessions: SessionRepository, documents: Collection[dict[str, Any]]
) -> None:
    for attempt in range(10):
        new = sample_session(f"upload-{attempt}")
        await sessions.add(new)
        session = await sessions.save(new.initiated("2~a", NOW))
        documents.delete_one({"_id": f"upload-{attempt}/00000"})
        reports = (sessions.report_parts(session, [sample_part(n)]) for n in range(1, 9))
        saving = asyncio.create_task(sessions.save(session))
        assert max(await asyncio.gather(*reports)) == 8
        saved = await saving
        bitmap = bitmap_in(documents, f"upload-{attempt}")
        assert (bitmap["store_upload_id"], bitmap["version"]) == ("2~a", saved.version)


async def test_a_save_tries_again_when_a_report_made_the_bitmap_first(
    sessions: MongoSessionRepository, documents: Collection[dict[str, Any]]
) -> None:
    class OvertakenOnce(PartsProxy):
        """The collection, where a report makes the bitmap just before a save would."""

        raced = False

        async def update_one(self, *args: Any, **options: Any) -> Any:
            if not self.raced:
                self.raced = True
                documents.delete_one({"_id": "upload-1/00000"})
                await sessions.report_parts(session, [sample_part(2)])
                raise DuplicateKeyError("_id", 11000)
            return await self.parts.update_one(*args, **options)

    session = await in_progress(sessions)
    raced = replace(sessions, parts=OvertakenOnce(sessions.parts))  # type: ignore[arg-type]
    await raced.save(replace(session, state=SessionState.COMPLETING))
    with pytest.raises(StaleSessionError):
        await sessions.report_parts(session, [sample_part(3)])


async def test_stored_parts_are_acknowledged_even_if_full_words_cannot_be_removed(
    sessions: MongoSessionRepository,
) -> None:
    class AwayForLater(PartsProxy):
        """The collection, of a server that goes away once the parts are stored and counted."""

        asked = 0

        async def update_one(self, *_: Any, **__: Any) -> Any:
            self.asked += 1
            raise AutoReconnect

    session = await in_progress(sessions)
    parts = AwayForLater(sessions.parts)
    away = replace(sessions, parts=parts)  # type: ignore[arg-type]
    assert await away.report_parts(session, [sample_part(n) for n in range(1, 601)]) == 600
    assert parts.asked == 1


async def test_a_bitmap_is_removed_with_its_session(
    sessions: MongoSessionRepository, documents: Collection[dict[str, Any]]
) -> None:
    session = await in_progress(sessions)
    await sessions.save(replace(session, state=SessionState.COMPLETED, retained_until=NOW))
    assert await sessions.purge_sessions(NOW + timedelta(days=1), 10) == 1
    assert list(documents.find()) == []
