"""Open the database that `DATABASE_URL` names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import URL, make_url, select, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ...application.ports import SessionRepository
from ...domain.errors import RepositoryMisconfiguredError, RepositoryUnavailableError
from .database import CONNECTIONS, Database
from .schema import list_migrations, list_pending_migrations, upgrade_schema
from .session_repository import SqlSessionRepository
from .sqlite_file import SqliteFile

SQLITE: Final = "sqlite+aiosqlite"
POSTGRESQL: Final = "postgresql+asyncpg"
POOL: Final[Mapping[str, int]] = {"pool_size": CONNECTIONS, "max_overflow": 0}
START_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.1
T = TypeVar("T")


@asynccontextmanager
async def open_sql_sessions(url: str) -> AsyncIterator[SessionRepository]:
    """Open the database, create or migrate its tables, and close it afterwards.

    Any number of processes may start on one database at once. Raise ValueError, naming
    DATABASE_URL, for a URL that can never work, RepositoryUnavailableError if the database does not
    answer, and RepositoryMisconfiguredError if it needs a migration that is not safe here.
    """
    async with open_current_database(url) as database:
        yield SqlSessionRepository(database)


@asynccontextmanager
async def open_current_database(url: str) -> AsyncIterator[Database]:
    """Open the database with the schema of this release. Raises as `open_sql_sessions`."""
    async with _use_database(url) as database:
        await _retry_while_unavailable(database, partial(upgrade_schema, only_additive=True))
        database.mark_tables_created()
        yield database


async def migrate_sql_database(url: str) -> list[str]:
    """Run all pending migrations and return their names."""
    async with _use_database(url) as database:
        return await _retry_while_unavailable(
            database, partial(upgrade_schema, only_additive=False)
        )


async def list_pending_sql_migrations(url: str) -> list[str]:
    """Return the names of the pending migrations; a SQLite file that is missing is not created."""
    if _is_missing_file(parse_database_url(url)):
        return list_migrations()
    async with _use_database(url) as database:
        return await _retry_while_unavailable(database, list_pending_migrations)


@asynccontextmanager
async def _use_database(url: str) -> AsyncIterator[Database]:
    database = open_database(parse_database_url(url))
    try:
        yield database
    finally:
        await database.close()


def parse_database_url(url: str) -> URL:
    """Parse a URL. Raise ValueError without its text, which may contain a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        msg = f"DATABASE_URL: not a URL such as {SQLITE}:///uploads.db"
        raise ValueError(msg) from None
    if parsed.drivername == SQLITE:
        _require_file(parsed.database)
    elif parsed.drivername != POSTGRESQL:
        msg = f"DATABASE_URL: {parsed.drivername} is neither {SQLITE} nor {POSTGRESQL}"
        raise ValueError(msg)
    return parsed


def describe_sql_database(url: URL) -> str:
    """Describe the server and database, or the file, of a URL, without user and password."""
    if url.drivername == SQLITE:
        return f"SQLite in {Path(url.database or '').absolute()}"
    return f"PostgreSQL at {url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"


def open_database(url: URL) -> Database:
    """Make a database that has not connected yet. Raise ValueError if its driver is missing."""
    if url.drivername == SQLITE:
        file = SqliteFile(Path(url.database or "").absolute())
        engine = create_async_engine(url, connect_args={"async_creator_fn": file.connect}, **POOL)
        file.watch(engine)
        # One writer at a time: SQLite has no queue, and writers that poll for its lock may starve.
        return Database(engine, asyncio.Lock(), file)
    try:
        # Check each connection before use: one that a restarted server has closed is replaced.
        return Database(create_async_engine(url, pool_pre_ping=True, **POOL), nullcontext())
    except ModuleNotFoundError:
        msg = "DATABASE_URL: PostgreSQL needs the extra `postgres`"
        raise ValueError(msg) from None


def _is_missing_file(url: URL) -> bool:
    return url.drivername == SQLITE and not Path(url.database or "").exists()


def _require_file(path: str | None) -> None:
    if not path or path == ":memory:":
        msg = f"DATABASE_URL: sessions in memory would be lost; name a file, {SQLITE}:///uploads.db"
        raise ValueError(msg)
    if not Path(path).absolute().parent.is_dir():
        msg = f"DATABASE_URL: the folder of {path} does not exist"
        raise ValueError(msg)


async def _retry_while_unavailable(
    database: Database, step: Callable[[Database], Awaitable[T]]
) -> T:
    # A server that starts together with the service needs time to answer.
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            await database.await_answer(_connect(database.engine))
            return await step(database)
        except RepositoryMisconfiguredError:
            raise
        except RepositoryUnavailableError:
            if time.monotonic() > give_up:
                raise
            await asyncio.sleep(RETRY_SECONDS)


async def _connect(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # The file keeps this mode, in which readers do not wait for a writer.
            await connection.execute(text("PRAGMA journal_mode = WAL"))
        else:
            await connection.execute(select(1))
