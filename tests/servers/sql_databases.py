"""Databases of each kind that the SQL adapter supports, empty and of one test only."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest


class SqlDatabase(Protocol):
    """A database, and a way into it that is not the service's."""

    kind: str

    @property
    def url(self) -> str:
        """The URL as the service reads it."""
        ...

    async def execute(self, script: str) -> None:
        """Run and commit SQL statements."""
        ...

    async def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """Return all rows."""
        ...


@dataclass
class SqliteDatabase:
    """A file."""

    file: Path
    kind = "sqlite"

    @property
    def url(self) -> str:
        return f"sqlite+aiosqlite:///{self.file}"

    async def execute(self, script: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executescript(script)

    async def fetch(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(query).fetchall()


@dataclass
class PostgresqlDatabase:
    """A database of the run's server."""

    url: str
    kind = "postgresql"

    async def execute(self, script: str) -> None:
        async with connect_to_postgresql(self.url) as connection:
            await connection.execute(script)

    async def fetch(self, query: str) -> list[tuple[Any, ...]]:
        async with connect_to_postgresql(self.url) as connection:
            return [tuple(row) for row in await connection.fetch(query)]


@asynccontextmanager
async def connect_to_postgresql(url: str) -> AsyncIterator[Any]:
    """Open a connection that is not the service's."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def sql_database(request: pytest.FixtureRequest, tmp_path: Path) -> SqlDatabase:
    """Provide an empty database of each kind."""
    if request.param == "sqlite":
        return SqliteDatabase(tmp_path / "uploads.db")
    return PostgresqlDatabase(request.getfixturevalue("postgresql_url"))
