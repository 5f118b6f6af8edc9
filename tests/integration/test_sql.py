"""Properties of the SQL adapter beyond the port: files, processes and indexes."""

from __future__ import annotations

import asyncio
import gc
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import IntegrityError

from multipart_upload.adapters.sql import SqlSessionRepository, open_sql_sessions
from multipart_upload.adapters.sql.database import Database
from multipart_upload.adapters.sql.engine import open_database
from multipart_upload.application.ports import SessionQuery, SessionRepository
from multipart_upload.domain.errors import (
    RepositoryMisconfiguredError,
    RepositoryUnavailableError,
    StaleSessionError,
)
from multipart_upload.domain.session import SessionState, UploadSession
from multipart_upload.testing.contract.outage import PROMISED_SECONDS
from multipart_upload.testing.contract.sample_sessions import NOW, sample_part, sample_session
from tests.patience import PATIENCE_SECONDS, measure_loop_time, repeat_while_unavailable
from tests.servers.postgresql import PostgresqlServer

ROOT = Path(__file__).parents[2]
WRITES_AND_WAITS = """
import asyncio, sys
from multipart_upload.adapters.sql import open_sql_sessions
from multipart_upload.testing.contract.outage import PROMISED_SECONDS
from multipart_upload.testing.contract.sample_sessions import sample_part, sample_session

async def main() -> None:
    async with open_sql_sessions(sys.argv[1]) as sessions:
        await sessions.add(sample_session())
        await sessions.record_parts("upload-1", [sample_part(1), sample_part(2)])
        print("stored", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "uploads.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture
async def sessions(url: str) -> AsyncIterator[SessionRepository]:
    async with open_sql_sessions(url) as sessions:
        yield sessions


@pytest.fixture
def other(file: Path, sessions: SessionRepository) -> Iterator[sqlite3.Connection]:
    """Provide another program's connection to the open file."""
    del sessions  # created first
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        yield connection


async def test_readers_and_a_writer_do_not_block_each_other(other: sqlite3.Connection) -> None:
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.deadlines
async def test_a_commit_reaches_the_disk_before_it_returns(url: str) -> None:
    database = open_database(make_url(url))
    async with database.engine.connect() as connection:
        full = 2
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == full
        assert (await connection.execute(text("PRAGMA busy_timeout"))).scalar() == 4000
    await database.close()


async def test_stored_sessions_survive_reopening(url: str) -> None:
    async with open_sql_sessions(url) as sessions:
        await sessions.add(sample_session())
    async with open_sql_sessions(url) as sessions:
        assert await sessions.get("upload-1") == sample_session()


async def test_purge_that_fails_at_the_session_keeps_its_parts(
    sessions: SessionRepository, other: sqlite3.Connection
) -> None:
    await sessions.add(replace(sample_session(state=SessionState.COMPLETED), retained_until=NOW))
    await sessions.record_parts("upload-1", [sample_part()])
    other.execute(
        "CREATE TRIGGER stop BEFORE DELETE ON upload_sessions "
        "BEGIN SELECT RAISE(ABORT, 'stopped'); END"
    )
    after = NOW + timedelta(days=1)
    with pytest.raises(IntegrityError):
        await sessions.purge_sessions(after, 10)
    assert await sessions.list_parts("upload-1") == [sample_part()]
    other.execute("DROP TRIGGER stop")
    assert await sessions.purge_sessions(after, 10) == 1
    assert await sessions.list_parts("upload-1") == []


async def test_start_does_not_wait_for_earlier_batches(
    sessions: SessionRepository,
) -> None:
    parts = [sample_part(number) for number in range(1, 10_001)]
    open_session = replace(sample_session(), id="batch").initiated("2~abc", NOW)
    await sessions.add(open_session)
    batches = [asyncio.create_task(sessions.report_parts(open_session, parts)) for _ in range(2)]
    await asyncio.sleep(0)
    await sessions.add(sample_session())
    assert not any(batch.done() for batch in batches)
    assert await asyncio.gather(*batches) == [10_000] * 2


async def test_batch_stops_when_its_session_is_no_longer_open(
    sessions: SessionRepository,
) -> None:
    parts = [sample_part(number) for number in range(1, 10_001)]
    await sessions.add(sample_session())
    session = await sessions.save(sample_session().initiated("2~abc", NOW))
    batch = asyncio.create_task(sessions.report_parts(session, parts))
    while not await sessions.list_parts(session.id):  # noqa: ASYNC110  # there is no event to wait for
        await asyncio.sleep(0)
    await sessions.save(replace(session, state=SessionState.COMPLETING))
    with pytest.raises(StaleSessionError):
        await batch
    assert len(await sessions.list_parts(session.id)) < len(parts)


async def test_write_is_visible_to_another_process_and_survives_a_kill(
    url: str, sessions: SessionRepository
) -> None:
    command = [sys.executable, "-c", WRITES_AND_WAITS, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:  # noqa: ASYNC220
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"stored\n"
        assert await sessions.get("upload-1") == sample_session()
        writer.send_signal(signal.SIGKILL)
    assert await sessions.get("upload-1") == sample_session()
    assert await sessions.list_parts("upload-1") == [sample_part(1), sample_part(2)]


async def test_concurrent_starts_on_a_new_file_succeed(url: str) -> None:
    await start_many(url)


@pytest.mark.integration
async def test_concurrent_starts_on_a_new_postgresql_database_succeed(postgresql_url: str) -> None:
    await start_many(postgresql_url)


async def start_many(url: str) -> None:
    async def start(number: int) -> None:
        async with open_sql_sessions(url) as sessions:
            # An earlier attempt that timed out may have stored it.
            with suppress(StaleSessionError):
                await sessions.add(sample_session(f"u{number}"))

    async def start_in_the_end(number: int) -> None:
        # On a slow machine a start may time out; retry as a supervisor does.
        await repeat_while_unavailable(lambda: start(number))

    await asyncio.gather(*(start_in_the_end(number) for number in range(8)))
    async with open_sql_sessions(url) as sessions:
        page = await sessions.find(SessionQuery(user_id="alice"))
    assert len(page.sessions) == 8


@pytest.mark.deadlines
@pytest.mark.filterwarnings("ignore:.*was deleted before being closed:ResourceWarning")
def test_interrupted_calls_do_not_block_the_end_of_the_event_loop(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def give_up_on_writes() -> list[Database]:
        databases = [open_database(make_url(url)) for _ in range(12)]
        monkeypatch.setattr("multipart_upload.adapters.sql.database.ANSWER_SECONDS", 0.2)
        calls = [SqlSessionRepository(database).add(sample_session()) for database in databases]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {RepositoryUnavailableError}
        return databases  # not closed: asyncio.run interrupts their pending calls

    asyncio.run(make_file(url))
    with closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert asyncio.run(give_up_on_writes())
        gc.collect()  # raise warnings about unclosed resources in this test


@pytest.mark.deadlines
async def test_close_ends_although_a_call_never_returns(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def never_end() -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.wait({released})
                return

    released = asyncio.get_running_loop().create_future()
    monkeypatch.setattr("multipart_upload.adapters.sql.database.ANSWER_SECONDS", 0.01)
    monkeypatch.setattr("multipart_upload.application.task_cancellation.CLOSE_SECONDS", 0.01)
    database = open_database(make_url(url))
    with pytest.raises(RepositoryUnavailableError):
        await database.await_answer(never_end())
    await database.close()
    assert "did not close" in caplog.text
    released.set_result(None)


@pytest.mark.integration
async def test_missing_postgresql_database_is_a_misconfiguration(
    postgresql_server: PostgresqlServer,
) -> None:
    with pytest.raises(RepositoryMisconfiguredError) as refusal:
        async with open_sql_sessions(postgresql_server.url("nowhere")):
            pass
    assert refusal.value.extensions == {"reason": "database-missing"}
    assert refusal.value.cause == "the database does not exist"


async def make_file(url: str) -> None:
    async with open_sql_sessions(url):
        pass


@pytest.mark.deadlines
async def test_long_locked_file_is_unavailable_to_writers_only(
    sessions: SessionRepository, other: sqlite3.Connection
) -> None:
    await sessions.add(sample_session())
    other.execute("BEGIN IMMEDIATE")
    async with measure_loop_time() as waited:
        with pytest.raises(RepositoryUnavailableError):
            await sessions.save(sample_session())
    assert waited.seconds < PROMISED_SECONDS
    assert await sessions.get("upload-1") == sample_session()
    other.execute("ROLLBACK")
    await sessions.save(sample_session())


@pytest.mark.deadlines
async def test_writers_of_a_locked_file_fail_in_time_and_the_next_one_succeeds(
    sessions: SessionRepository, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    async with measure_loop_time() as waited:
        outcomes = await asyncio.gather(
            *(sessions.add(sample_session(f"u{n}")) for n in range(30)), return_exceptions=True
        )
    assert {type(outcome) for outcome in outcomes} == {RepositoryUnavailableError}
    assert waited.seconds < PROMISED_SECONDS
    other.execute("ROLLBACK")
    await sessions.add(sample_session())


async def test_briefly_locked_file_is_waited_for(
    sessions: SessionRepository, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(sessions.add(sample_session()))
    done, _ = await asyncio.wait([adding], timeout=0.5)
    other.execute("ROLLBACK")
    assert not done
    await adding


@pytest.mark.deadlines
async def test_start_on_a_locked_file_is_refused_in_time(file: Path, url: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with measure_loop_time() as waited:
            with pytest.raises(RepositoryUnavailableError):
                async with open_sql_sessions(url):
                    pytest.fail("opened")
        assert waited.seconds < PROMISED_SECONDS


async def test_missing_folder_is_unavailability(file: Path) -> None:
    url = make_url(f"sqlite+aiosqlite:///{file.parent}/unmounted/uploads.db")
    database = open_database(url)
    with pytest.raises(RepositoryUnavailableError):
        await SqlSessionRepository(database).get("upload-1")
    await database.close()
    # aiosqlite's thread makes a last call to the loop, which must still be open.
    await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    "url",
    [
        "uploads.db",
        "",
        "postgresql+asyncpg://user:secret@host:port/uploads",
        "mysql+aiomysql://user:secret@host/uploads",
        "sqlite:///uploads.db",
        "postgresql://user:secret@host/uploads",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:////no/such/folder/uploads.db",
    ],
)
async def test_invalid_url_is_refused_with_the_name_of_its_setting(url: str) -> None:
    with pytest.raises(ValueError, match=r"^DATABASE_URL: ") as refusal:
        async with open_sql_sessions(url):
            pytest.fail("opened")
    assert "secret" not in str(refusal.value)


async def test_postgresql_without_its_driver_is_refused_with_the_name_of_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ValueError, match=r"^DATABASE_URL: .*`postgres`"):
        async with open_sql_sessions("postgresql+asyncpg://user@127.0.0.1/uploads"):
            pytest.fail("opened")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (SessionQuery(user_id="alice"), "upload_sessions_user "),
        (
            SessionQuery(user_id="alice", states=frozenset({SessionState.COMPLETED})),
            "upload_sessions_user_state ",
        ),
        (SessionQuery(user_id="alice", created_from=NOW), "upload_sessions_user "),
        (SessionQuery(user_id="alice", after=(NOW, "u1")), "upload_sessions_user "),
    ],
)
async def test_list_is_read_from_an_index_in_order(
    url: str, other: sqlite3.Connection, query: SessionQuery, index: str
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_1: object, _2: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    database = open_database(make_url(url))
    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    await SqlSessionRepository(database).find(query)
    await database.close()
    ((statement, parameters),) = asked
    plan = other.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
    (step,) = (detail for *_, detail in plan)
    assert step.startswith(f"SEARCH upload_sessions USING INDEX {index}")


@pytest.mark.integration
async def test_connections_closed_by_the_server_cause_no_error(
    postgresql_url: str, other_postgresql: Any
) -> None:
    async with open_sql_sessions(postgresql_url) as sessions:
        await asyncio.gather(*(sessions.check() for _ in range(5)))
        await other_postgresql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        await asyncio.gather(*(sessions.check() for _ in range(5)))


@pytest.fixture
async def other_postgresql(postgresql_url: str) -> AsyncIterator[Any]:
    """Provide another connection to the same database."""
    other = await asyncpg.connect(postgresql_url.replace("+asyncpg", ""))
    yield other
    await other.close()


async def with_a_part(sessions: SessionRepository) -> UploadSession:
    """Store an open session with one recorded part."""
    await sessions.add(sample_session())
    session = await sessions.save(sample_session().initiated("2~abc", NOW))
    await sessions.report_parts(session, [sample_part(1)])
    return session


async def until_waiting(other: Any, count: int) -> None:
    """Wait until this many other connections wait for a lock."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") >= count:
                return
            await asyncio.sleep(0.02)


@pytest.mark.integration
async def test_postgresql_save_waits_for_a_report_that_read_the_session_as_open(
    postgresql_url: str, other_postgresql: Any
) -> None:
    async with open_sql_sessions(postgresql_url) as sessions:
        session = await with_a_part(sessions)
        held = other_postgresql.transaction()
        await held.start()
        await other_postgresql.execute("SELECT * FROM upload_parts FOR UPDATE")
        report = asyncio.create_task(sessions.report_parts(session, [sample_part(1, "late")]))
        await until_waiting(other_postgresql, 1)
        closed = replace(session, state=SessionState.COMPLETING)
        save = asyncio.create_task(sessions.save(closed))
        await until_waiting(other_postgresql, 2)
        await held.rollback()
        assert await report == 1
        await save


@pytest.mark.integration
async def test_postgresql_late_report_does_not_wait_for_parts(
    postgresql_url: str, other_postgresql: Any
) -> None:
    async with open_sql_sessions(postgresql_url) as sessions:
        session = await with_a_part(sessions)
        await sessions.save(replace(session, state=SessionState.COMPLETING))
        async with other_postgresql.transaction():
            await other_postgresql.execute("SELECT * FROM upload_parts FOR UPDATE")
            with pytest.raises(StaleSessionError):
                await sessions.report_parts(session, [sample_part(1, "late")])


async def test_sqlite_report_locks_out_saves_until_its_parts_are_written(
    url: str, file: Path
) -> None:
    errors: list[str] = []

    def save(_1: object, _2: object, statement: str, *_: object) -> None:
        if "upload_parts" in statement and not errors:
            with closing(sqlite3.connect(file, timeout=0)) as another:
                try:
                    another.execute("UPDATE upload_sessions SET state = 'completing'")
                    another.commit()
                except sqlite3.OperationalError as exc:
                    errors.append(str(exc))

    async with open_sql_sessions(url) as sessions:
        await sessions.add(sample_session())
        session = await sessions.save(sample_session().initiated("2~abc", NOW))
    database = open_database(make_url(url))
    event.listen(database.engine.sync_engine, "before_cursor_execute", save)
    await SqlSessionRepository(database).report_parts(session, [sample_part()])
    await database.close()
    assert errors == ["database is locked"]
