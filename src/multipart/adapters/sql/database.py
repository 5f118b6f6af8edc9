"""A SQL database whose every call has a deadline."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Executable, RowMapping, Select, func, select
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ...application.task_cancellation import close_in_time
from ...domain.errors import RepositoryUnavailableError
from .errors import is_refusal, translate_error
from .sqlite_file import SqliteFile, is_busy

ANSWER_SECONDS: Final = 4.5
"""How long a caller waits, for a connection and the answer together."""
CONNECTIONS: Final = 10
FRESH_SECONDS: Final = 5.0
"""How long after a write the disk is assumed to be writable."""
MIGRATION_SECONDS: Final = 3600.0
"""How long a schema change may take: an index on a large table takes minutes."""
SCHEMA_LOCK: Final = 7_305_808_869_231_649
"""Key of the advisory lock of PostgreSQL for schema changes, the same in every release."""
_CHUNK: Final = 500
"""Rows per transaction. It takes about 10 ms, for which other writers wait on SQLite."""

T = TypeVar("T")


class Database:
    """Runs each call in a transaction, and raises RepositoryUnavailableError if it fails.

    A statement that the database finds wrong is a bug of the service: its error is raised as it is.
    `write_lock` is held during each write.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        write_lock: AbstractAsyncContextManager[object],
        file: SqliteFile | None = None,
    ) -> None:
        self.engine = engine
        self._write_lock = write_lock
        self._file = file
        self._written_at = -math.inf
        # If a connection cannot be made, the pool does not wake the callers that wait for one.
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._unfinished: set[asyncio.Task[Any]] = set()

    @property
    def dialect(self) -> str:
        """Name the kind of database, as SQLAlchemy does."""
        return self.engine.dialect.name

    async def now(self) -> datetime:
        """Return the server's time in milliseconds; SQLite has only this machine's clock."""
        if self.dialect == "sqlite":
            now = datetime.now(UTC)
        else:
            (row,) = await self.read(select(func.clock_timestamp().label("now")))
            now = row["now"].astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def read(self, statement: Select[Any]) -> Sequence[RowMapping]:
        """Return all rows."""
        return await self.await_answer(self._read(statement))

    async def write(self, statement: Executable, *following: Executable) -> int:
        """Run a statement and count the rows it changed; only if it has, run the following too."""
        return await self.await_answer(self._write(statement, following))

    async def write_all(self, *statements: Executable) -> None:
        """Run all statements or none."""
        await self.await_answer(self._write_all(statements))

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run work in one transaction, which is undone if the work raises.

        What the work reads on SQLite holds until its end; PostgreSQL needs row locks for that.
        """
        return await self.await_answer(self._transact(work))

    async def write_each(
        self,
        statement: Executable,
        rows: Iterable[Mapping[str, object]],
        *,
        only_if: Select[Any] | None = None,
    ) -> bool:
        """Run a statement once for each row, in short transactions one after another.

        Other callers can write between two transactions. With `only_if`, each transaction first
        runs this query; if it finds no row, stop and return False.
        """
        remaining = iter(rows)
        while chunk := list(islice(remaining, _CHUNK)):
            if not await self.await_answer(self._write_chunk(statement, chunk, only_if)):
                return False
        return True

    async def inspect(self, look: Callable[[Connection], T]) -> T:
        """Return the result of a function that only reads, such as the names of the tables."""
        return await self.await_answer(self._inspect(look))

    async def change_schema(self, change: Callable[[Connection], T]) -> T:
        """Run a change in one transaction while no other process changes the schema."""
        return await self.await_answer(self._change_schema(change), MIGRATION_SECONDS)

    async def check_writable(self) -> None:
        """Have SQLite write and commit, which fails on a full disk, unless it has just written.

        A file that another process has locked is writable.
        """
        if self._file is None or time.monotonic() - self._written_at < FRESH_SECONDS:
            return
        try:
            await self.await_answer(self._rewrite_header())
        except RepositoryUnavailableError as error:
            if not is_busy(getattr(error.__cause__, "orig", None)):
                raise

    def mark_tables_created(self) -> None:
        """Treat a missing SQLite file as an error from now on."""
        if self._file is not None:
            self._file.must_exist = True

    async def await_answer(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Return the answer. Raise RepositoryUnavailableError if there is none in time."""
        # A separate task, because closing a connection that hangs takes seconds, and the caller
        # must not wait for that after its time is up.
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._discard_task)
        try:
            async with asyncio.timeout(seconds or ANSWER_SECONDS):
                await asyncio.wait({task})
            return task.result()
        except (SQLAlchemyError, OSError) as error:  # OSError: no connection, or not in time
            if _is_bug(error):
                raise
            raise translate_error(error) from error
        finally:
            task.cancel()

    async def close(self) -> None:
        """Close all connections, also those of calls that were given up."""
        if self._unfinished:
            await close_in_time("Calls to the SQL database", asyncio.wait(self._unfinished.copy()))
        await close_in_time("The SQL database", self.engine.dispose())

    async def _read(self, statement: Select[Any]) -> Sequence[RowMapping]:
        async with self._connections, self.engine.connect() as connection:
            result = await connection.execute(statement)
            rows: Sequence[RowMapping] = result.mappings().all()
            return rows

    async def _inspect(self, look: Callable[[Connection], T]) -> T:
        async with self._connections, self.engine.connect() as connection:
            return await connection.run_sync(look)

    async def _change_schema(self, change: Callable[[Connection], T]) -> T:
        async with self._transaction() as connection:
            if self.dialect == "sqlite":
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                await connection.execute(select(func.pg_advisory_xact_lock(SCHEMA_LOCK)))
                # Calls of other replicas queue behind a change that waits for a table's lock.
                await connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
            return await connection.run_sync(change)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        """Write in a transaction, committed unless the block raises."""
        self._written_at = -math.inf
        async with self._write_lock, self._connections, self.engine.connect() as connection:
            yield connection
            await connection.commit()
            if self._file is not None:
                self._file.require_kept(connection.info)

    async def _write(self, statement: Executable, following: Sequence[Executable]) -> int:
        async with self._transaction() as connection:
            changed = (await connection.execute(statement)).rowcount
            for next_statement in following if changed else ():
                await connection.execute(next_statement)
        if changed:
            self._written_at = time.monotonic()
        return changed

    async def _write_all(self, statements: Sequence[Executable]) -> None:
        async with self._transaction() as connection:
            for statement in statements:
                await connection.execute(statement)

    async def _transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with self._transaction() as connection:
            if self.dialect == "sqlite":
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            result: T = await work(connection)
        self._written_at = time.monotonic()
        return result

    async def _write_chunk(
        self,
        statement: Executable,
        chunk: Sequence[Mapping[str, object]],
        only_if: Select[Any] | None,
    ) -> bool:
        async with self._transaction() as connection:
            if self.dialect == "sqlite":
                # Take the write lock first, so that the query's result still holds at the write.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            if only_if is not None and (await connection.execute(only_if)).first() is None:
                return False
            await connection.execute(statement, chunk)
        self._written_at = time.monotonic()
        return True

    async def _rewrite_header(self) -> None:
        async with self._transaction() as connection:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
            version = (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one()
            # SQLite writes the value even if it is the same.
            await connection.exec_driver_sql(f"PRAGMA user_version = {version:d}")
        self._written_at = time.monotonic()

    def _discard_task(self, task: asyncio.Task[Any]) -> None:
        self._unfinished.discard(task)
        if not task.cancelled():
            task.exception()  # or asyncio would log it as never retrieved


def _is_bug(error: Exception) -> bool:
    """Return whether the database refused the statement or its values; a retry cannot help."""
    if isinstance(error, ProgrammingError):
        # SQLite also raises this for a connection that was closed.
        return not error.connection_invalidated and not is_refusal(error)
    return isinstance(error, (ArgumentError, DataError, IntegrityError))
