"""The SQL schema: migrations from every earlier one, by any number of processes at once."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from multipart_upload.adapters.sql import (
    list_pending_sql_migrations,
    migrate_sql_database,
    open_sql_sessions,
)
from multipart_upload.adapters.sql.database import SCHEMA_LOCK
from multipart_upload.adapters.sql.engine import open_database, parse_database_url
from multipart_upload.adapters.sql.migrate import MIGRATIONS, Migrations
from multipart_upload.adapters.sql.schema_version import LATEST, VERSION_TABLE
from multipart_upload.adapters.sql.tables import SCHEMA
from multipart_upload.domain.errors import (
    RepositoryMisconfiguredError,
    RepositoryUnavailableError,
)
from multipart_upload.testing.contract.sample_sessions import full_session
from tests.patience import PATIENCE_SECONDS
from tests.servers.sql_databases import PostgresqlDatabase, SqlDatabase, connect_to_postgresql
from tests.stored import STORED_SQL, read_statements

ROOT = Path(__file__).parents[2]
NEXT: Final = f"{int(LATEST) + 1:04}"
PROCESSES: Final = 6
STARTS: Final = """
import asyncio, sys
from multipart_upload.adapters.sql import open_sql_sessions
from multipart_upload.testing.contract.sample_sessions import sample_session

async def main() -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    async with open_sql_sessions(sys.argv[1]) as sessions:
        await sessions.add(sample_session(sys.argv[2]))
    print("stored", flush=True)

asyncio.run(main())
"""


@pytest.fixture
def migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Provide a function that adds a migration to this release."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def add(text: str) -> None:
        head = f'"""Change something."""\nrevision = "{NEXT}"\ndown_revision = "{LATEST}"\n'
        (folder / f"m{NEXT}_change.py").write_text(head + text)
        monkeypatch.setattr("multipart_upload.adapters.sql.migrate.MIGRATIONS", folder)
        for module in ("schema", "schema_version"):
            monkeypatch.setattr(f"multipart_upload.adapters.sql.{module}.LATEST", NEXT)

    return add


async def make_database_of_earlier_release(sql_database: SqlDatabase, stored: Path) -> None:
    await sql_database.execute((stored / f"{sql_database.kind}.sql").read_text())


async def open_once(sql_database: SqlDatabase) -> None:
    async with open_sql_sessions(sql_database.url) as sessions:
        await sessions.check()


async def differences(sql_database: SqlDatabase) -> list[Any]:
    """Compare the database's tables with those that the code uses."""

    def compare(connection: Connection) -> list[Any]:
        options = {
            "version_table": VERSION_TABLE,
            "compare_type": True,
            "include_object": lambda _, name, kind, *__: (kind, name) != ("table", VERSION_TABLE),
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), SCHEMA))

    opened = open_database(parse_database_url(sql_database.url))
    try:
        return await opened.inspect(compare)
    finally:
        await opened.close()


async def version_of(sql_database: SqlDatabase) -> str:
    ((version,),) = await sql_database.fetch(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608
    return str(version)


def test_latest_version_is_that_of_the_last_migration() -> None:
    names = Migrations(None).names
    versions = [name.split()[0] for name in names]
    assert versions == [f"{number:04}" for number in range(1, len(names) + 1)]
    assert versions[-1] == LATEST


async def test_migrations_create_the_tables_that_the_code_uses(sql_database: SqlDatabase) -> None:
    await open_once(sql_database)
    assert await differences(sql_database) == []
    assert await version_of(sql_database) == LATEST


@pytest.mark.parametrize("stored", STORED_SQL, ids=str)
async def test_database_of_earlier_release_is_migrated_at_start(
    sql_database: SqlDatabase, stored: Path
) -> None:
    await make_database_of_earlier_release(sql_database, ROOT / stored)
    await open_once(sql_database)
    assert await differences(sql_database) == []
    assert await version_of(sql_database) == LATEST


async def test_start_that_died_between_tables_is_finished_by_the_next(
    sql_database: SqlDatabase,
) -> None:
    await open_once(sql_database)
    await sql_database.execute(
        f"DROP TABLE {VERSION_TABLE}; DROP TABLE upload_parts; DROP INDEX upload_sessions_due;"
    )
    await open_once(sql_database)
    assert await differences(sql_database) == []


async def test_migration_runs_once_and_then_nothing_is_pending(sql_database: SqlDatabase) -> None:
    pending = await list_pending_sql_migrations(sql_database.url)
    assert pending == Migrations(None).names
    assert await migrate_sql_database(sql_database.url) == pending
    assert await list_pending_sql_migrations(sql_database.url) == []
    assert await migrate_sql_database(sql_database.url) == []


async def test_check_does_not_create_the_file(tmp_path: Path) -> None:
    await list_pending_sql_migrations(f"sqlite+aiosqlite:///{tmp_path}/uploads.db")
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_earlier_release_writes_to_a_migrated_database(sql_database: SqlDatabase) -> None:
    await open_once(sql_database)
    await sql_database.execute(read_statements(ROOT / STORED_SQL[0], "INSERT"))
    async with open_sql_sessions(sql_database.url) as sessions:
        session = await sessions.get("u-in-progress")
        assert session.nonce is None
        assert session.closes_at is None
        assert len(await sessions.list_parts("u-in-progress")) == 2


async def test_schema_of_later_release_is_used_as_it_is(
    sql_database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    await open_once(sql_database)
    await sql_database.execute("ALTER TABLE upload_sessions ADD COLUMN later TEXT")
    await sql_database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099'")  # noqa: S608
    async with open_sql_sessions(sql_database.url) as sessions:
        await sessions.add(full_session())
        assert await sessions.get(full_session().id) == full_session()
        saved = await sessions.save(full_session())
        assert await sessions.get(saved.id) == saved
    assert await version_of(sql_database) == "0099"
    assert await list_pending_sql_migrations(sql_database.url) == []
    assert "0099 of a later release" in caplog.text


async def test_failed_migration_changes_nothing(
    sql_database: SqlDatabase, migrations: Callable[[str], None]
) -> None:
    await open_once(sql_database)
    migrations(
        "is_additive = True\n"
        "def upgrade(op):\n"
        "    op.execute('ALTER TABLE upload_sessions ADD COLUMN half TEXT')\n"
        "    raise RuntimeError('died')\n"
    )
    with pytest.raises(RuntimeError, match="died"):
        await migrate_sql_database(sql_database.url)
    assert await differences(sql_database) == []
    assert await version_of(sql_database) == LATEST
    migrations("is_additive = True\ndef upgrade(op): pass\n")
    await open_once(sql_database)
    assert await version_of(sql_database) == NEXT


async def test_start_leaves_a_migration_that_is_not_additive_to_the_operator(
    sql_database: SqlDatabase, migrations: Callable[[str], None]
) -> None:
    await open_once(sql_database)
    migrations("is_additive = False\ndef upgrade(op): pass\n")
    with pytest.raises(RepositoryMisconfiguredError) as refusal:
        await open_once(sql_database)
    assert "multipart-upload migrate" in refusal.value.cause
    assert await version_of(sql_database) == LATEST
    assert await migrate_sql_database(sql_database.url) == [f"{NEXT} Change something"]
    await open_once(sql_database)


async def test_empty_database_gets_all_tables_although_a_migration_is_not_additive(
    sql_database: SqlDatabase, migrations: Callable[[str], None]
) -> None:
    migrations("is_additive = False\ndef upgrade(op): pass\n")
    await open_once(sql_database)
    assert await version_of(sql_database) == NEXT


async def store_by_many_processes_at_once(sql_database: SqlDatabase) -> None:
    starts = []
    for number in range(PROCESSES):
        command = [sys.executable, "-c", STARTS, sql_database.url, f"u{number}"]
        starts.append(
            subprocess.Popen(  # noqa: ASYNC220
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )
    try:
        for start in starts:
            assert start.stdout is not None
            assert start.stdout.readline() == "ready\n"
        for start in starts:
            assert start.stdin is not None
            start.stdin.write("\n")
            start.stdin.flush()
        outputs = [start.communicate(timeout=PATIENCE_SECONDS)[0] for start in starts]
    finally:
        for start in starts:
            start.kill()
            start.wait()
    assert outputs == ["stored\n"] * PROCESSES


async def require_all_stored(sql_database: SqlDatabase) -> None:
    async with open_sql_sessions(sql_database.url) as sessions:
        found = await sessions.get_many([f"u{number}" for number in range(PROCESSES)])
    assert len(found) == PROCESSES


async def test_many_processes_start_at_once_on_an_empty_database(sql_database: SqlDatabase) -> None:
    await store_by_many_processes_at_once(sql_database)
    await require_all_stored(sql_database)
    assert await differences(sql_database) == []


async def test_many_processes_start_at_once_on_a_database_of_an_earlier_release(
    sql_database: SqlDatabase,
) -> None:
    await make_database_of_earlier_release(sql_database, ROOT / STORED_SQL[0])
    await store_by_many_processes_at_once(sql_database)
    await require_all_stored(sql_database)
    assert await differences(sql_database) == []


@pytest.mark.integration
async def test_start_on_a_current_schema_takes_no_lock(postgresql_url: str) -> None:
    database = PostgresqlDatabase(postgresql_url)
    await open_once(database)
    async with connect_to_postgresql(postgresql_url) as other:
        await lock_schema(other)
        await open_once(database)


async def lock_schema(connection: Any) -> None:
    """Take the lock that a migration takes."""
    await connection.execute(f"SELECT pg_advisory_lock({SCHEMA_LOCK})")


@pytest.mark.integration
async def test_migration_waits_for_that_of_another_process(postgresql_url: str) -> None:
    async with connect_to_postgresql(postgresql_url) as other:
        await lock_schema(other)
        migrating = asyncio.create_task(migrate_sql_database(postgresql_url))
        await wait_until(lambda: is_any_waiting(other))
        assert not migrating.done()
    assert await migrating == Migrations(None).names


async def is_any_waiting(connection: Any) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    return bool(await connection.fetchval(waiting))


async def wait_until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_so():  # noqa: ASYNC110  # no event says so
            await asyncio.sleep(0.02)


@pytest.mark.integration
@pytest.mark.deadlines
async def test_migration_of_a_table_in_use_gives_up_and_succeeds_later(postgresql_url: str) -> None:
    database = PostgresqlDatabase(postgresql_url)
    await make_database_of_earlier_release(database, ROOT / STORED_SQL[0])
    async with connect_to_postgresql(postgresql_url) as other:
        reading = other.transaction()
        await reading.start()
        await other.fetch("SELECT id FROM upload_sessions")
        with pytest.raises(RepositoryUnavailableError) as refusal:
            await migrate_sql_database(postgresql_url)
        assert "another transaction uses a table" in refusal.value.cause
        await reading.rollback()
    await open_once(database)
    assert await differences(database) == []


@pytest.mark.integration
async def test_user_that_may_not_create_tables_is_a_misconfiguration(postgresql_url: str) -> None:
    name = parse_database_url(postgresql_url).database
    role = f"reader_{name}"
    database = PostgresqlDatabase(postgresql_url)
    await database.execute(f"CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;")
    try:
        with pytest.raises(RepositoryMisconfiguredError) as refusal:
            await migrate_sql_database(postgresql_url.replace("postgres@", f"{role}@"))
    finally:
        await database.execute(f"DROP ROLE {role}")
    assert refusal.value.extensions == {"reason": "not-authorized"}
