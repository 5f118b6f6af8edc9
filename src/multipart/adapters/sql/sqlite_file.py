"""The SQLite file: how it is opened, and whether it is still the one that was opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiosqlite
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_SECONDS: Final = 4
_OPENED: Final = "opened files"
_ROWS_AT_ONCE: Final = 64

_Inodes = tuple[tuple[int, int] | None, ...]


class SqliteConnection(aiosqlite.Connection):
    """A connection that stops once.

    aiosqlite's thread ends at the first stop and never answers a second one. SQLAlchemy asks for
    two when a call is cancelled while its connection closes, and that task would never end.
    """

    def stop(self) -> Any:
        """End the thread, if that has not been asked for yet."""
        return super().stop() if self._running else None


@dataclass(slots=True)
class SqliteFile:
    """A database file and its log.

    SQLite continues to write to a file that has been deleted or replaced: without a check, writes
    would be acknowledged and lost. Each connection therefore remembers the files that it opened.
    """

    path: Path
    must_exist: bool = False
    """Whether a missing file is an error, instead of being created."""

    def watch(self, engine: AsyncEngine) -> None:
        """Have the engine drop each connection whose file is no longer there."""
        event.listen(engine.sync_engine, "connect", self._remember)
        event.listen(engine.sync_engine, "checkout", self._require_current)

    async def connect(self, database: str, **options: Any) -> SqliteConnection:
        """Open the file."""

        def open_file() -> sqlite3.Connection:
            if self.must_exist and not self.path.exists():
                msg = f"the file {self.path} is gone"
                raise sqlite3.OperationalError(msg)
            opened: sqlite3.Connection = sqlite3.connect(database, **options)
            opened.text_factory = _decode
            return opened

        connection = SqliteConnection(open_file, _ROWS_AT_ONCE)
        # A process that ends must not wait for a locked file.
        connection._thread.daemon = True  # noqa: SLF001  # as SQLAlchemy does
        await connection
        return connection

    def require_kept(self, info: Mapping[Any, Any]) -> None:
        """Raise OSError unless the files that a connection has written to are still in place."""
        opened, current = info[_OPENED], self._inodes()
        # While the first process creates the file, there is no log yet.
        if any(was is not None and was != now for was, now in zip(opened, current, strict=True)):
            raise FileNotFoundError(self._replaced)

    def _remember(self, connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        for statement in (
            f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
            "PRAGMA synchronous = FULL",
            "SELECT 1 FROM sqlite_master",  # opens the log as well
        ):
            cursor.execute(statement)
        cursor.close()
        record.info[_OPENED] = self._inodes()

    def _require_current(self, _: object, record: Any, __: object) -> None:
        if record.info[_OPENED] != self._inodes():
            raise DisconnectionError(self._replaced)

    @property
    def _replaced(self) -> str:
        return f"the file {self.path} was deleted or replaced"

    def _inodes(self) -> _Inodes:
        return tuple(_inode(f"{self.path}{suffix}") for suffix in ("", "-wal"))


def _decode(stored: bytes) -> str | bytes:
    """Return text; bytes that are not UTF-8 stay bytes, which make only their row unreadable."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_busy(error: BaseException | None) -> bool:
    """Return whether another connection holds the lock that this one has waited for."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
