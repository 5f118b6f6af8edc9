"""What the MongoDB adapter sends: safe writes, safe reads, and the shard key in both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pymongo import monitoring

from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.application.ports import SessionQuery, SessionRepository
from multipart_upload.testing.contract.sample_sessions import NOW, sample_part, sample_session

pytestmark = pytest.mark.integration
WRITES = {"insert", "update", "delete", "findAndModify"}
MAJORITY = {"w": "majority", "j": True}


class Commands(monitoring.CommandListener):
    """Collect commands; PyMongo listeners are global and cannot be removed."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.listening = False

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.listening:
            self.sent.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Ignore the event."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Ignore the event."""


@pytest.fixture(scope="module")
def listener() -> Commands:
    listener = Commands()
    monitoring.register(listener)
    return listener


@pytest.fixture
def commands(listener: Commands) -> Iterator[list[dict[str, Any]]]:
    listener.sent.clear()
    listener.listening = True
    yield listener.sent
    listener.listening = False


@pytest.fixture
async def sessions(mongo_uri: str) -> AsyncIterator[SessionRepository]:
    async with open_mongo_sessions(mongo_uri) as sessions:
        yield sessions


async def use_every_hot_method(sessions: SessionRepository) -> None:
    await sessions.add(sample_session())
    session = await sessions.save((await sessions.get("upload-1")).initiated("2~a", NOW))
    await sessions.record_parts("upload-1", [sample_part(1)])
    await sessions.record_parts("upload-1", [sample_part(n) for n in range(1, 301)])
    await sessions.report_parts(session, [sample_part(1)])
    await sessions.save(session.part_recorded(NOW))
    await sessions.list_parts("upload-1")


async def test_every_write_is_acknowledged_by_a_majority_and_its_journal(
    commands: list[dict[str, Any]], mongo_uri: str
) -> None:
    # Also if the URI says otherwise: URIs are often copied.
    separator = "&" if "?" in mongo_uri else "?"
    async with open_mongo_sessions(
        f"{mongo_uri}{separator}w=1&journal=false&retryWrites=false"
    ) as sessions:
        await use_every_hot_method(sessions)
    writes = [command for command in commands if WRITES & set(command)]
    assert len(writes) == 9
    assert [command["writeConcern"] for command in writes] == [MAJORITY] * len(writes)
    assert all("txnNumber" in command for command in writes), "not retryable"


async def test_every_read_has_majority_read_concern(
    commands: list[dict[str, Any]], mongo_uri: str
) -> None:
    async with open_mongo_sessions(mongo_uri) as sessions:
        await use_every_hot_method(sessions)
        await sessions.find(SessionQuery(user_id="alice"))
    reads = [command for command in commands if {"find", "aggregate"} & set(command)]
    assert len(reads) == 4
    assert {command["readConcern"]["level"] for command in reads} == {"majority"}


async def test_frequent_commands_name_the_shard_key_and_never_scan(
    commands: list[dict[str, Any]], mongo_uri: str
) -> None:
    async with open_mongo_sessions(mongo_uri) as sessions:
        commands.clear()
        await use_every_hot_method(sessions)
    for command in commands:
        key = {"upload_sessions": "_id", "upload_parts": "session_id"}
        for collection, filters in hot_filters(command):
            assert [found.get(key[collection]) for found in filters] == ["upload-1"] * len(filters)
    assert not any("findAndModify" in command for command in commands)


def hot_filters(command: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return the collection of a command, with its filters or the documents that it inserts."""
    match command:
        case {"insert": collection, "documents": documents}:
            yield collection, documents
        case {"update": collection, "updates": updates}:
            yield collection, [update["q"] for update in updates]
        case {"find": collection, "filter": found}:
            yield collection, [found]
        case {"aggregate": collection, "pipeline": [{"$match": found}, *_]}:
            yield collection, [found]
        case {"endSessions": _}:
            pass
        case _:
            pytest.fail(f"not a command for a hot path: {command}")


async def test_reporting_a_part_is_one_write_and_one_read(
    commands: list[dict[str, Any]], sessions: SessionRepository
) -> None:
    await sessions.add(sample_session())
    session = await sessions.save(sample_session().initiated("2~a", NOW))
    await sessions.record_parts("upload-1", [sample_part(n) for n in range(1, 301)])
    commands.clear()
    assert await sessions.report_parts(session, [sample_part(301)]) == 301
    write, read = commands
    bitmap = {"_id": "upload-1/00000", "session_id": "upload-1"}
    assert write["ordered"]
    assert [update["q"] for update in write["updates"]] == [
        bitmap | {"store_upload_id": "2~a"},
        {"_id": "upload-1/00301", "session_id": "upload-1"},
    ]
    assert read["filter"] == bitmap


async def test_batches_write_each_document_once_in_order_of_ids(
    commands: list[dict[str, Any]], sessions: SessionRepository
) -> None:
    # FerretDB locks the documents of a batch: batches in opposite orders would deadlock.
    await sessions.add(sample_session())
    session = await sessions.save(sample_session().initiated("2~a", NOW))
    parts = [sample_part(n) for n in (*range(300, 0, -1), 7, 3)]
    for write_parts in (
        lambda: sessions.record_parts("upload-1", parts),
        lambda: sessions.report_parts(session, parts),
    ):
        commands.clear()
        await write_parts()
        batches = [
            [update["q"]["_id"] for update in command["updates"]]
            for command in commands
            if "update" in command
        ]
        assert [len(batch) for batch in batches] == [251, 51]
        assert all(batch == sorted(set(batch)) for batch in batches)
        assert all(batch[0] == "upload-1/00000" for batch in batches)


async def test_counting_parts_reads_no_part(
    commands: list[dict[str, Any]], sessions: SessionRepository
) -> None:
    await sessions.add(sample_session())
    session = await sessions.save(sample_session().initiated("2~a", NOW))
    await sessions.report_parts(session, [sample_part(n) for n in range(1, 301)])
    commands.clear()
    assert await sessions.report_parts(session, [sample_part(1)]) == 300
    (command,) = (command for command in commands if "find" in command)
    assert command["filter"] == {"_id": "upload-1/00000", "session_id": "upload-1"}
