"""What MongoDB stores, and what happens when it fails; contract/ has the port's promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import ConfigurationError

from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.application.ports import SessionRepository
from multipart_upload.domain.errors import RepositoryUnavailableError, SessionNotFoundError
from multipart_upload.domain.session import SessionState
from multipart_upload.testing.contract.outage import CALLS, PROMISED_SECONDS
from multipart_upload.testing.contract.sample_sessions import (
    NOW,
    full_session,
    sample_part,
    sample_session,
)
from tests.patience import measure_loop_time, repeat_while_unavailable
from tests.servers.mongodb import with_database
from tests.servers.mongodb_kinds import MongoServer
from tests.servers.mongodb_proxy import MongoProxy

pytestmark = pytest.mark.integration
PARTS_BEFORE_KILL = 50


@pytest.fixture
async def sessions(mongo_uri: str) -> AsyncIterator[SessionRepository]:
    async with open_mongo_sessions(mongo_uri) as sessions:
        yield sessions


def indexes(uri: str, collection: str) -> dict[tuple[tuple[str, int], ...], bool]:
    """Return the keys of a collection's indexes, and whether each is unique."""
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    with client:
        found = client.get_default_database()[collection].index_information()
    return {tuple(index["key"]): index.get("unique", False) for index in found.values()}


@pytest.mark.usefixtures("sessions")
def test_opening_the_repository_creates_the_indexes(mongo_uri: str) -> None:
    age = ("created_at", 1), ("_id", 1)
    assert indexes(mongo_uri, "upload_sessions") == {
        (("_id", 1),): False,
        (("user_id", 1), ("state", 1), *age): False,
        (("user_id", 1), *age): False,
        (("due_at", 1), ("_id", 1)): False,
        (("retained_until", 1), ("_id", 1)): False,
        (("outbox.occurred_at", 1),): False,
    }


@pytest.mark.usefixtures("sessions")
def test_parts_have_no_index_that_a_report_must_update(mongo_uri: str) -> None:
    assert indexes(mongo_uri, "upload_parts").keys() <= {(("_id", 1),)}


@pytest.mark.parametrize("command", ["insert", "update"])
async def test_session_write_whose_answer_was_lost_is_recognised_as_its_own(
    mongo_uri: str, command: str
) -> None:
    async with MongoProxy.open(mongo_uri) as proxy, open_mongo_sessions(proxy.uri) as sessions:
        if command == "insert":
            proxy.lose_answer_to(command)
        await sessions.add(sample_session())
        if command == "update":
            proxy.lose_answer_to(command)
        saved = await sessions.save(sample_session().initiated("2~abc", NOW))
        assert proxy.has_injected_fault
        assert await sessions.get("upload-1") == saved


async def test_parts_are_recorded_once_although_an_answer_was_lost(mongo_uri: str) -> None:
    parts = [sample_part(n) for n in range(1, 4)]
    async with MongoProxy.open(mongo_uri) as proxy, open_mongo_sessions(proxy.uri) as sessions:
        proxy.lose_answer_to("update")
        await sessions.record_parts("upload-1", parts)
        assert proxy.has_injected_fault
        assert await sessions.list_parts("upload-1") == parts


@pytest.mark.deadlines
async def test_unresponsive_server_is_unavailable_within_the_deadline(
    mongo_uri: str,
) -> None:
    async with MongoProxy.open(mongo_uri) as proxy, open_mongo_sessions(proxy.uri) as sessions:
        proxy.silence()
        async with measure_loop_time() as waited:
            outcomes = await asyncio.gather(
                *(call(sessions) for call in CALLS.values()), return_exceptions=True
            )
        assert waited.seconds < PROMISED_SECONDS
        assert {type(outcome) for outcome in outcomes} == {RepositoryUnavailableError}
        proxy.resume()
        await sessions.check()


@pytest.mark.deadlines
async def test_repository_works_again_after_an_outage(
    own_mongo_server: MongoServer,
) -> None:
    async with open_mongo_sessions(own_mongo_server.uri) as sessions:
        await sessions.add(full_session())
        await sessions.record_parts("upload-full", [sample_part(1)])
        await asyncio.to_thread(own_mongo_server.stop)
        async with measure_loop_time() as waited:
            with pytest.raises(RepositoryUnavailableError):
                await sessions.get("upload-full")
        assert waited.seconds < PROMISED_SECONDS
        await asyncio.to_thread(own_mongo_server.start)
        found = await repeat_while_unavailable(lambda: sessions.get("upload-full"))
        assert found == full_session()
        await sessions.record_parts("upload-full", [sample_part(2)])
        assert await sessions.list_parts("upload-full") == [sample_part(1), sample_part(2)]


@pytest.mark.deadlines
async def test_killed_server_loses_no_acknowledged_part(
    own_mongo_server: MongoServer,
) -> None:
    acknowledged: set[int] = set()
    some = asyncio.Event()

    async def record(first: int, sessions: SessionRepository) -> None:
        for number in range(first, 10_000, 8):
            try:
                await sessions.record_parts("upload-1", [sample_part(number)])
            except RepositoryUnavailableError:
                return
            acknowledged.add(number)
            if len(acknowledged) >= PARTS_BEFORE_KILL:
                some.set()

    async with open_mongo_sessions(own_mongo_server.uri) as sessions:
        recording = asyncio.gather(*(record(first, sessions) for first in range(1, 9)))
        await some.wait()
        await asyncio.to_thread(own_mongo_server.kill)
        await recording
        await asyncio.to_thread(own_mongo_server.start)
        parts = await repeat_while_unavailable(lambda: sessions.list_parts("upload-1"))
        kept = {part.number for part in parts}
    assert acknowledged <= kept


@pytest.mark.deadlines
async def test_opening_without_a_server_is_unavailable_within_the_deadline() -> None:
    async with measure_loop_time() as waited:
        with pytest.raises(RepositoryUnavailableError):
            async with open_mongo_sessions("mongodb://127.0.0.1:1/uploads"):
                pytest.fail("there is no server on port 1")
    assert waited.seconds < PROMISED_SECONDS


async def test_invalid_uri_is_a_misconfiguration() -> None:
    with pytest.raises(ConfigurationError):
        async with open_mongo_sessions("mongodb://"):
            pytest.fail("there is no host in it")


@pytest.mark.parametrize(
    ("argument", "in_uri", "expected"),
    [("given", "named", "given"), (None, "named", "named"), (None, "", "multipart")],
)
async def test_database_is_the_argument_or_that_of_the_uri_or_multipart(
    own_mongo_server: MongoServer, argument: str | None, in_uri: str, expected: str
) -> None:
    async with open_mongo_sessions(with_database(own_mongo_server.uri, in_uri), argument):
        pass
    assert indexes(with_database(own_mongo_server.uri, expected), "upload_sessions")


async def test_concurrent_repositories_use_their_own_databases(
    mongo_uri: str, own_mongo_server: MongoServer
) -> None:
    async with open_mongo_sessions(mongo_uri) as first:
        async with open_mongo_sessions(own_mongo_server.uri) as second:
            await first.add(sample_session("of-the-first"))
            await second.add(sample_session("of-the-second"))
            with pytest.raises(SessionNotFoundError):
                await second.get("of-the-first")
        assert await first.get("of-the-first") == sample_session("of-the-first")


async def test_stored_sessions_are_visible_to_the_next_process(mongo_uri: str) -> None:
    async with open_mongo_sessions(mongo_uri) as sessions:
        await sessions.add(full_session())
    async with open_mongo_sessions(mongo_uri) as sessions:
        assert await sessions.get("upload-full") == full_session()


async def test_states_are_stored_with_their_wire_names(
    mongo_uri: str, sessions: SessionRepository
) -> None:
    await sessions.add(sample_session(state=SessionState.IN_PROGRESS))
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    with client:
        stored = client.get_default_database()["upload_sessions"].find_one()
    assert stored is not None
    assert (stored["_id"], stored["state"]) == ("upload-1", "in-progress")
