"""Opening the database that `DATABASE_URL` names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable

from ...application.ports import SessionRepository
from ...domain.errors import RepositoryUnavailableError
from .database import CONNECTIONS, Database
from .session_repository import SqlSessionRepository
from .tables import SCHEMA

SQLITE: Final = "sqlite+aiosqlite"
POSTGRESQL: Final = "postgresql+asyncpg"
BUSY_SECONDS: Final = 4
POOL: Final[Mapping[str, int]] = {"pool_size": CONNECTIONS, "max_overflow": 0}
START_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.1


async def open_sql_sessions(url: str) -> AsyncIterator[SessionRepository]:
    """Open the database, with its tables made if they are not there, and close it afterwards.

    Any number of processes may start on one database at once. Raise ValueError, naming
    DATABASE_URL, for a URL that can never work, and RepositoryUnavailableError if the database
    does not answer.
    """
    engine = new_engine(checked_url(url))
    database = new_database(engine)
    try:
        await _prepare(database, engine)
        yield SqlSessionRepository(database)
    finally:
        await database.close()


def checked_url(url: str) -> URL:
    """Read a URL without ever showing it: it may hold a password."""
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


def new_engine(url: URL) -> AsyncEngine:
    """Make an engine that has not connected yet."""
    if url.drivername == SQLITE:
        engine = create_async_engine(url, **POOL)
        event.listen(engine.sync_engine, "connect", _configure_sqlite)
        return engine
    try:
        # Asked before each use, so that a restarted server costs nobody an error.
        return create_async_engine(url, pool_pre_ping=True, **POOL)
    except ModuleNotFoundError:
        msg = "DATABASE_URL: PostgreSQL needs the extra `postgres`"
        raise ValueError(msg) from None


def new_database(engine: AsyncEngine) -> Database:
    """Let one writer at a time at SQLite, which has no queue: it polls, and the unlucky starve."""
    alone = engine.dialect.name == "sqlite"
    return Database(engine, asyncio.Lock() if alone else nullcontext())


def _require_file(path: str | None) -> None:
    if not path or path == ":memory:":
        msg = f"DATABASE_URL: sessions in memory would be lost; name a file, {SQLITE}:///uploads.db"
        raise ValueError(msg)
    if not Path(path).absolute().parent.is_dir():
        msg = f"DATABASE_URL: the folder of {path} does not exist"
        raise ValueError(msg)


def _configure_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {BUSY_SECONDS * 1000}", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _prepare(database: Database, engine: AsyncEngine) -> None:
    # Tried again, because IF NOT EXISTS does not help the loser when two processes create at once,
    # and because a server that is started together with the service takes a moment.
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            return await database.in_time(_create_tables(engine))
        except RepositoryUnavailableError:
            if time.monotonic() > give_up:
                raise
        await asyncio.sleep(RETRY_SECONDS)


async def _create_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Kept in the file: readers go on while somebody writes.
            await connection.execute(text("PRAGMA journal_mode = WAL"))
        for table in SCHEMA.sorted_tables:
            await connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                await connection.execute(CreateIndex(index, if_not_exists=True))
