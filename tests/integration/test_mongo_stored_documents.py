"""Documents of earlier and later releases, and damaged ones, are read or reported.

fixtures/stored/RELEASE/mongo has documents exactly as that release wrote them. Never edit them: a
later release must read them as this one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import bson
import pytest
from bson import json_util
from bson.datetime_ms import DatetimeMS
from pymongo import MongoClient
from pymongo.database import Database

from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.adapters.mongo.session_repository import MongoSessionRepository
from multipart_upload.application.ports import SessionQuery, SessionRepository
from multipart_upload.domain.errors import SessionNotFoundError, StoredSessionUnreadableError
from multipart_upload.domain.part import Part, PartState
from multipart_upload.domain.part_plan import PartPlan
from multipart_upload.domain.session import Lease, SessionState, StoredObject, UploadSession
from multipart_upload.testing.contract.sample_sessions import sample_part
from tests.patience import wait_until

pytestmark = pytest.mark.integration
RELEASES: Final = sorted(Path(__file__).parent.parent.glob("fixtures/stored/*/mongo"))
NOW: Final = datetime(2036, 3, 30, 0, 59, 59, 999_000, tzinfo=UTC)
MD5: Final = "d41d8cd98f00b204e9800998ecf8427e"
GIB_5: Final = 5_368_709_120


def milliseconds(after: int) -> datetime:
    return NOW + timedelta(milliseconds=after)


def stored_session(upload_id: str, state: SessionState, **changes: Any) -> UploadSession:
    return UploadSession(
        id=upload_id,
        user_id="alice",
        key=f"uploads/alice/{upload_id}/holiday.mp4",
        filename="holiday.mp4",
        content_type="video/mp4",
        created_at=NOW,
        active_at=NOW,
        expires_at=NOW + timedelta(days=1),
        state=state,
        **changes,
    )


# Written out, because samples change from release to release.
SESSIONS: Final = {
    session.id: session
    for session in (
        UploadSession(
            id="upload-full",
            nonce="0123456789abcdef",
            user_id="Zoë $ne %_.\\ '\"",
            key="uploads/Zoë/upload-full/наш отпуск 🏝.mp4",
            filename="наш отпуск 🏝.mp4",
            content_type='text/plain; charset="utf-8"',
            created_at=NOW,
            active_at=milliseconds(1),
            expires_at=NOW + timedelta(days=7, milliseconds=123),
            closes_at=NOW + timedelta(days=30, milliseconds=7),
            metadata={
                "camera.model.name": "X100",
                "$set": "$unset",
                "_id": "not an id",
                "ключ 🔑": "значение",
                "empty": "",
                "quoted \"'\\": '{"json": [null]}',
            },
            plan=PartPlan(size=10_000 * GIB_5, part_size=GIB_5, part_count=10_000),
            state=SessionState.ABORTING,
            store_upload_id="2~" + "x" * 200,
            abort_date=NOW + timedelta(days=3, milliseconds=9),
            lease=Lease("worker-7", NOW + timedelta(seconds=30, milliseconds=1)),
            ending=SessionState.EXPIRED,
            result=StoredObject(
                location="https://bucket.s3.eu-west-1.amazonaws.com/uploads/Zo%C3%AB",
                etag=f"{MD5}-10000",
                size=10_000 * GIB_5,
                upload_id="upload-full",
                nonce="0123456789abcdef",
            ),
            retained_until=NOW + timedelta(days=37, milliseconds=45),
        ),
        stored_session(
            "upload-in-progress", SessionState.IN_PROGRESS, store_upload_id="2~abc", version=2
        ),
        stored_session(
            "upload-completed",
            SessionState.COMPLETED,
            store_upload_id="2~def",
            result=StoredObject(
                location="https://bucket.s3.amazonaws.com/k",
                etag="9b2cf535f27731c974343645a3985328",
                size=17_825_792,
            ),
            retained_until=NOW + timedelta(days=30),
        ),
        stored_session("upload-many", SessionState.INITIATED, store_upload_id="2~many", version=1),
    )
}
PARTS: Final = [
    Part(number=1, etag=MD5, size=GIB_5, recorded_at=milliseconds(1)),
    Part(number=2, etag=MD5, size=None, recorded_at=milliseconds(2)),
    Part(number=3, etag=MD5, size=GIB_5, recorded_at=milliseconds(3), state=PartState.VERIFIED),
]
OPTIONAL: Final[dict[str, Any]] = {
    "metadata": {},
    "nonce": None,
    "closes_at": None,
    "plan": None,
    "store_upload_id": None,
    "abort_date": None,
    "lease": None,
    "ending": None,
    "result": None,
    "retained_until": None,
}


@pytest.fixture
def database(mongo_uri: str) -> Iterator[Database[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    with client:
        yield client.get_default_database()


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.parent.name)
def stored_uri(
    request: pytest.FixtureRequest, database: Database[dict[str, Any]], mongo_uri: str
) -> str:
    """Store the documents of a release, and return the URI of their database."""
    for file in request.param.glob("*.json"):
        database[file.stem].insert_many(json_util.loads(file.read_text()))
    return mongo_uri


@pytest.fixture
async def sessions(stored_uri: str) -> AsyncIterator[SessionRepository]:
    async with open_mongo_sessions(stored_uri) as sessions:
        yield sessions


def test_this_release_has_fixtures() -> None:
    assert "0.1.0" in {folder.parent.name for folder in RELEASES}


async def test_sessions_of_earlier_releases_are_read(sessions: SessionRepository) -> None:
    found = await sessions.get_many(list(SESSIONS))
    assert {session.id: session for session in found} == SESSIONS


async def test_sessions_of_earlier_releases_are_found(sessions: SessionRepository) -> None:
    page = await sessions.find(SessionQuery(user_id="alice"))
    assert [session.id for session in page.sessions] == [
        "upload-many",
        "upload-in-progress",
        "upload-completed",
    ]
    due = await sessions.find_due(NOW + timedelta(days=2), 10)
    assert [session.id for session in due] == ["upload-full", "upload-in-progress", "upload-many"]


async def test_parts_of_earlier_releases_are_read_and_counted(sessions: SessionRepository) -> None:
    assert await sessions.list_parts("upload-in-progress") == PARTS
    assert await sessions.report_parts(SESSIONS["upload-in-progress"], PARTS[:1]) == 3
    assert await sessions.report_parts(SESSIONS["upload-many"], [sample_part(1)]) == 601


async def test_uploads_of_earlier_releases_go_on(sessions: SessionRepository) -> None:
    session = SESSIONS["upload-in-progress"]
    assert await sessions.report_parts(session, [sample_part(4)]) == 4
    saved = await sessions.save(replace(session, state=SessionState.COMPLETING))
    assert await sessions.get(session.id) == saved
    assert [part.number for part in await sessions.list_parts(session.id)] == [1, 2, 3, 4]


async def test_sessions_of_earlier_releases_are_purged_with_their_parts(
    sessions: SessionRepository, database: Database[dict[str, Any]]
) -> None:
    session = SESSIONS["upload-in-progress"]
    await sessions.save(replace(session, state=SessionState.COMPLETED, retained_until=NOW))
    assert await sessions.purge_sessions(NOW + timedelta(days=1), 10) == 1
    with pytest.raises(SessionNotFoundError):
        await sessions.get(session.id)
    assert database["upload_parts"].distinct("session_id") == ["upload-many"]


@pytest.mark.parametrize("name", OPTIONAL)
async def test_a_field_that_an_earlier_release_did_not_write_has_a_default(
    sessions: SessionRepository, database: Database[dict[str, Any]], name: str
) -> None:
    database["upload_sessions"].update_one({"_id": "upload-full"}, {"$unset": {name: True}})
    assert await sessions.get("upload-full") == replace(
        SESSIONS["upload-full"], **{name: OPTIONAL[name]}
    )


async def test_a_part_without_size_and_state_has_defaults(
    sessions: SessionRepository, database: Database[dict[str, Any]]
) -> None:
    database["upload_parts"].update_one(
        {"_id": "upload-in-progress/00003"}, {"$unset": {"size": True, "state": True}}
    )
    *_, part = await sessions.list_parts("upload-in-progress")
    assert part == replace(PARTS[2], size=None, state=PartState.UPLOADED)


async def test_fields_of_a_later_release_are_ignored_and_kept(
    sessions: SessionRepository, database: Database[dict[str, Any]]
) -> None:
    later = {"priority": 7, "labels": ["a"], "plan.unit": "MiB", "lease.region": "eu"}
    collection = database["upload_sessions"]
    collection.update_one({"_id": "upload-full"}, {"$set": later})
    session = await sessions.get("upload-full")
    assert session == SESSIONS["upload-full"]
    await sessions.save(replace(session, state=SessionState.EXPIRED))
    document = collection.find_one({"_id": "upload-full"})
    assert document is not None
    assert (document["priority"], document["labels"]) == (7, ["a"])
    assert document["state"] == "expired"


async def test_fields_of_a_later_release_stay_on_parts_and_their_bitmap(
    sessions: SessionRepository, database: Database[dict[str, Any]]
) -> None:
    collection = database["upload_parts"]
    collection.update_many({"session_id": "upload-in-progress"}, {"$set": {"checksum": "x"}})
    assert await sessions.list_parts("upload-in-progress") == PARTS
    assert await sessions.report_parts(SESSIONS["upload-in-progress"], [sample_part(1)]) == 3
    documents = collection.find({"session_id": "upload-in-progress"})
    assert [document["checksum"] for document in documents] == ["x"] * 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", "paused"),
        ("created_at", "yesterday"),
        ("lease", {"holder": "worker-7"}),
        ("plan", "8 MiB"),
        ("metadata", {"a": "b"}),
    ],
)
async def test_a_damaged_session_is_reported_with_its_field_and_without_its_value(
    sessions: SessionRepository,
    database: Database[dict[str, Any]],
    field: str,
    value: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    database["upload_sessions"].update_one({"_id": "upload-full"}, {"$set": {field: value}})
    with pytest.raises(StoredSessionUnreadableError):
        await sessions.get("upload-full")
    expected = f"Cannot read the stored session of upload upload-full (wrong or missing: {field})"
    assert [record.getMessage() for record in caplog.records] == [expected]
    assert len(await sessions.get_many(list(SESSIONS))) == len(SESSIONS) - 1


async def test_an_impossible_time_or_text_does_not_fail_the_batch_that_it_came_in(
    sessions: SessionRepository,
) -> None:
    # Decoded here, because secantusdb does not store what MongoDB does.
    assert isinstance(sessions, MongoSessionRepository)
    damaged = bson.encode({"time": DatetimeMS(10**15), "text": "XY"}).replace(b"XY", b"\xff\xfe")
    for collection in (sessions.sessions, sessions.parts):
        assert bson.decode(damaged, collection.codec_options)["time"] == DatetimeMS(10**15)


@pytest.mark.parametrize("field", ["number", "etag", "recorded_at"])
async def test_a_damaged_part_is_reported_with_its_upload(
    sessions: SessionRepository, database: Database[dict[str, Any]], field: str
) -> None:
    part = {"_id": "upload-in-progress/00002"}
    database["upload_parts"].update_one(part, {"$unset": {field: True}})
    with pytest.raises(StoredSessionUnreadableError, match="upload upload-in-progress "):
        await sessions.list_parts("upload-in-progress")


async def test_opening_keeps_indexes_of_other_releases_and_of_operators(
    stored_uri: str, database: Database[dict[str, Any]]
) -> None:
    collection = database["upload_sessions"]
    collection.create_index([("filename", 1)])
    collection.create_index([("user_id", 1), ("created_at", 1), ("_id", 1)], name="theirs")
    for _ in range(2):
        async with open_mongo_sessions(stored_uri):
            await asyncio.to_thread(
                wait_until, lambda: len(collection.index_information()) == 7, "seven indexes"
            )
    assert {"filename_1", "theirs", "due_at_1__id_1"} <= collection.index_information().keys()
