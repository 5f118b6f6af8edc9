"""An answer that was lost becomes no wrong result, least of all where the driver repeats no write.

Such a server announces no replica set, as FerretDB.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from multipart_upload.adapters.mongo import open_mongo_sessions
from multipart_upload.adapters.mongo.session_repository import MongoSessionRepository
from multipart_upload.application.ports import SessionRepository
from multipart_upload.domain.errors import (
    RepositoryUnavailableError,
    SessionNotFoundError,
    StaleSessionError,
)
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.testing.contract.sample_sessions import NOW, sample_part, sample_session
from tests.servers.mongodb_proxy import MongoProxy

pytestmark = pytest.mark.integration
PARTS = [sample_part(number) for number in range(1, 4)]


@dataclass
class ProxiedRepository:
    """A repository behind a proxy with faults, and one connected directly."""

    proxy: MongoProxy
    sessions: SessionRepository
    others: SessionRepository


@pytest.fixture(params=[True, False], ids=["replica set", "no replica set"])
async def proxied(
    request: pytest.FixtureRequest, mongo_uri: str
) -> AsyncIterator[ProxiedRepository]:
    async with (
        MongoProxy.open(mongo_uri, has_replica_set=request.param) as proxy,
        open_mongo_sessions(proxy.uri) as sessions,
        open_mongo_sessions(mongo_uri) as others,
    ):
        yield ProxiedRepository(proxy, sessions, others)


@pytest.fixture
async def bare(mongo_uri: str) -> AsyncIterator[ProxiedRepository]:
    async with (
        MongoProxy.open(mongo_uri, has_replica_set=False) as proxy,
        open_mongo_sessions(proxy.uri) as sessions,
        open_mongo_sessions(mongo_uri) as others,
    ):
        yield ProxiedRepository(proxy, sessions, others)


async def in_progress(sessions: SessionRepository) -> UploadSession:
    await sessions.add(sample_session())
    return await sessions.save(sample_session().initiated("2~a", NOW))


async def test_emulated_server_announces_no_replica_set(bare: ProxiedRepository) -> None:
    assert isinstance(bare.sessions, MongoSessionRepository)
    hello = await bare.sessions.sessions.database.command("hello")
    assert "setName" not in hello
    assert hello["isWritablePrimary"]


async def test_add_whose_answer_was_lost_is_not_a_duplicate(proxied: ProxiedRepository) -> None:
    proxied.proxy.lose_answer_to("insert")
    await proxied.sessions.add(sample_session())
    assert proxied.proxy.has_injected_fault
    assert await proxied.others.get("upload-1") == sample_session()


async def test_add_that_never_arrived_is_sent_again(proxied: ProxiedRepository) -> None:
    proxied.proxy.lose("insert")
    await proxied.sessions.add(sample_session())
    assert proxied.proxy.has_injected_fault
    assert await proxied.others.get("upload-1") == sample_session()


async def test_id_taken_by_another_caller_is_a_duplicate_despite_lost_answers(
    proxied: ProxiedRepository,
) -> None:
    await proxied.others.add(sample_session(user_id="bob"))
    proxied.proxy.lose_answer_to("insert")
    with pytest.raises(StaleSessionError):
        await proxied.sessions.add(sample_session())
    assert proxied.proxy.has_injected_fault


@pytest.mark.parametrize("fault", [MongoProxy.lose, MongoProxy.lose_answer_to])
async def test_a_save_whose_answer_was_lost_is_not_stale(
    proxied: ProxiedRepository, fault: Callable[[MongoProxy, str], None]
) -> None:
    session = await in_progress(proxied.others)
    fault(proxied.proxy, "update")
    saved = await proxied.sessions.save(session.part_recorded(NOW))
    assert proxied.proxy.has_injected_fault
    assert await proxied.others.get("upload-1") == saved
    assert saved.version == session.version + 1


async def test_late_save_is_stale_despite_lost_answers(proxied: ProxiedRepository) -> None:
    session = await in_progress(proxied.others)
    await proxied.others.save(session.part_recorded(NOW))
    proxied.proxy.lose_answer_to("update")
    with pytest.raises(StaleSessionError):
        await proxied.sessions.save(session.part_recorded(NOW))
    assert proxied.proxy.has_injected_fault


async def test_save_of_a_missing_session_is_not_found_despite_lost_answers(
    proxied: ProxiedRepository,
) -> None:
    proxied.proxy.lose_answer_to("update")
    with pytest.raises(SessionNotFoundError):
        await proxied.sessions.save(sample_session())


@pytest.mark.parametrize("write", ["insert", "update"])
async def test_outcome_of_a_write_is_unknown_after_another_write(
    bare: ProxiedRepository, write: str
) -> None:
    assert isinstance(bare.sessions, MongoSessionRepository)
    session = sample_session() if write == "insert" else await in_progress(bare.others)

    class WrittenAfter:
        """The collection; another caller writes between the lost answer and the retry."""

        def __getattr__(self, name: str) -> Any:
            return getattr(bare.sessions.sessions, name)  # type: ignore[attr-defined]

        async def insert_one(self, document: Any) -> Any:
            return await self._written_after("insert_one", document)

        async def update_one(self, *args: Any) -> Any:
            return await self._written_after("update_one", *args)

        async def _written_after(self, name: str, *args: Any) -> Any:
            try:
                return await getattr(bare.sessions.sessions, name)(*args)  # type: ignore[attr-defined]
            finally:
                if bare.proxy.has_injected_fault and not self.has_written:
                    self.has_written = True
                    stored = await bare.others.get("upload-1")
                    await bare.others.save(replace(stored, state=SessionState.IN_PROGRESS))

        has_written = False

    raced = replace(bare.sessions, sessions=WrittenAfter())  # type: ignore[arg-type]
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "insert": lambda: raced.add(session),
        "update": lambda: raced.save(session.part_recorded(NOW)),
    }
    bare.proxy.lose_answer_to(write)
    with pytest.raises(RepositoryUnavailableError):
        await calls[write]()
    assert bare.proxy.has_injected_fault


@pytest.mark.parametrize("fault", [MongoProxy.lose, MongoProxy.lose_answer_to])
async def test_parts_are_recorded_once_although_an_answer_was_lost(
    proxied: ProxiedRepository, fault: Callable[[MongoProxy, str], None]
) -> None:
    session = await in_progress(proxied.others)
    fault(proxied.proxy, "update")
    assert await proxied.sessions.report_parts(session, PARTS) == 3
    assert proxied.proxy.has_injected_fault
    fault(proxied.proxy, "update")
    await proxied.sessions.record_parts("upload-1", PARTS)
    assert proxied.proxy.has_injected_fault
    assert await proxied.others.list_parts("upload-1") == PARTS
    assert len(await proxied.others.list_parts("upload-1")) == 3


@pytest.mark.parametrize("command", ["delete", "update"])
async def test_parts_are_forgotten_although_an_answer_was_lost(
    proxied: ProxiedRepository, command: str
) -> None:
    await proxied.others.record_parts("upload-1", PARTS)
    proxied.proxy.lose_answer_to(command)
    await proxied.sessions.forget_parts("upload-1")
    assert proxied.proxy.has_injected_fault
    assert await proxied.others.list_parts("upload-1") == []
    assert len(await proxied.others.list_parts("upload-1")) == 0


@pytest.mark.parametrize("command", ["update", "delete"])
async def test_purge_continues_although_an_answer_was_lost(
    proxied: ProxiedRepository, command: str
) -> None:
    ended = replace(sample_session(state=SessionState.COMPLETED), retained_until=NOW)
    await proxied.others.add(ended)
    await proxied.others.record_parts("upload-1", PARTS)
    proxied.proxy.lose_answer_to(command)
    assert await proxied.sessions.purge_sessions(NOW.replace(year=2037), 10) == 1
    assert proxied.proxy.has_injected_fault
    with pytest.raises(SessionNotFoundError):
        await proxied.others.get("upload-1")
    assert await proxied.others.list_parts("upload-1") == []


@pytest.mark.parametrize(
    ("command", "call"),
    [
        ("hello", lambda sessions: sessions.now()),
        ("ping", lambda sessions: sessions.check()),
        ("find", lambda sessions: sessions.list_parts("upload-1")),
    ],
    ids=["now", "check", "read"],
)
async def test_reads_are_retried(
    proxied: ProxiedRepository, command: str, call: Callable[[SessionRepository], Awaitable[object]]
) -> None:
    proxied.proxy.lose_answer_to(command)
    await call(proxied.sessions)
