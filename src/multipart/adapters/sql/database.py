"""A SQL database that answers in time or is said to be away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import Executable, RowMapping, Select, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from ...domain.errors import RepositoryUnavailableError

ANSWER_SECONDS: Final = 4.5
"""How long a caller waits, for a connection and the answer together."""
CONNECTIONS: Final = 10
_CHUNK: Final = 500
"""Rows in one go, in some 5 ms: between two the event loop serves others."""

T = TypeVar("T")


class Database:
    """Runs each call in a transaction; whatever goes wrong is RepositoryUnavailableError.

    `writing` is entered around each write.
    """

    def __init__(self, engine: AsyncEngine, writing: AbstractAsyncContextManager[object]) -> None:
        self._engine = engine
        self._writing = writing
        # The pool itself would not wake those who wait for a connection that could not be made.
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._unfinished: set[asyncio.Task[Any]] = set()

    @property
    def dialect(self) -> str:
        """Name the kind of database, as SQLAlchemy does."""
        return self._engine.dialect.name

    async def now(self) -> datetime:
        """Give the server's time, to the millisecond; SQLite has none but this machine's."""
        if self.dialect == "sqlite":
            now = datetime.now(UTC)
        else:
            (row,) = await self.read(select(func.clock_timestamp().label("now")))
            now = row["now"].astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def read(self, statement: Select[Any]) -> Sequence[RowMapping]:
        """Give all rows."""
        return await self.in_time(self._read(statement))

    async def write(self, statement: Executable) -> int:
        """Run a statement and count the rows it changed."""
        return await self.in_time(self._write(statement))

    async def write_all(self, *statements: Executable) -> None:
        """Run all statements or none."""
        await self.in_time(self._write_all(statements))

    async def write_each(
        self,
        statement: Executable,
        rows: Iterable[Mapping[str, object]],
        *,
        only_if: Select[Any] | None = None,
    ) -> bool:
        """Run a statement once for each row, all or nothing.

        With `only_if` nothing is written, and False returned, unless it finds a row.
        """
        return await self.in_time(self._write_each(statement, iter(rows), only_if))

    async def in_time(self, work: Coroutine[Any, Any, T]) -> T:
        """Give the answer, or raise RepositoryUnavailableError when there is none in time."""
        # A task of its own, because closing a connection that hangs takes seconds by itself: the
        # caller must not wait for that after the time is up.
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._finished)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.wait({task})
            return task.result()
        except (SQLAlchemyError, OSError) as error:  # OSError: no connection, or not in time
            raise RepositoryUnavailableError from error
        finally:
            task.cancel()

    async def close(self) -> None:
        """Close all connections, those too that callers have given up waiting for."""
        await asyncio.gather(*self._unfinished, return_exceptions=True)
        await self._engine.dispose()

    async def _read(self, statement: Select[Any]) -> Sequence[RowMapping]:
        async with self._connections, self._engine.connect() as connection:
            result = await connection.execute(statement)
            rows: Sequence[RowMapping] = result.mappings().all()
            return rows

    async def _write(self, statement: Executable) -> int:
        async with self._writing, self._connections, self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount

    async def _write_all(self, statements: Sequence[Executable]) -> None:
        async with self._writing, self._connections, self._engine.begin() as connection:
            for statement in statements:
                await connection.execute(statement)

    async def _write_each(
        self,
        statement: Executable,
        rows: Iterator[Mapping[str, object]],
        only_if: Select[Any] | None,
    ) -> bool:
        async with self._writing, self._connections, self._engine.begin() as connection:
            if self.dialect == "sqlite":
                # Its one lock from the beginning on: what is found is so still when it is written.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            if only_if is not None and (await connection.execute(only_if)).first() is None:
                return False
            while chunk := list(islice(rows, _CHUNK)):
                await connection.execute(statement, chunk)
            return True

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._unfinished.discard(task)
        if not task.cancelled():
            task.exception()  # Looked at, or asyncio would log it as never retrieved.
