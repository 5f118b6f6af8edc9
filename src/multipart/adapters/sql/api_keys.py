"""API keys in a SQL table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from ...domain.api_key import ApiKey
from ...domain.principal import known_scopes
from .database import Database
from .engine import open_current_database
from .rows import from_milliseconds, to_milliseconds
from .tables import API_KEYS


@asynccontextmanager
async def open_sql_api_keys(url: str) -> AsyncIterator[SqlApiKeyRepository]:
    """Open the keys in a database, with connections of their own. Raises as open_sql_sessions."""
    async with open_current_database(url) as database:
        yield SqlApiKeyRepository(database)


@dataclass(frozen=True, slots=True)
class SqlApiKeyRepository:
    """Stores each key in a row."""

    database: Database

    async def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        await self.database.write(insert(API_KEYS).values(_to_row(key)))

    async def find_key(self, digest: str) -> ApiKey | None:
        """Read a key."""
        rows = await self.database.read(select(API_KEYS).where(API_KEYS.c.digest == digest))
        return _to_key(rows[0]) if rows else None

    async def list_keys(self) -> list[ApiKey]:
        """Read all keys, oldest first."""
        oldest_first = select(API_KEYS).order_by("created_at", "digest")
        return [_to_key(row) for row in await self.database.read(oldest_first)]

    async def revoke_key(self, digest: str, now: datetime) -> None:
        """Mark a key as revoked."""
        is_valid = (API_KEYS.c.digest == digest) & API_KEYS.c.revoked_at.is_(None)
        revoked = update(API_KEYS).where(is_valid).values(revoked_at=to_milliseconds(now))
        await self.database.write(revoked)

    async def note_use(self, digest: str, now: datetime) -> None:
        """Store when a key was used last."""
        used = update(API_KEYS).where(API_KEYS.c.digest == digest)
        await self.database.write(used.values(last_used_at=to_milliseconds(now)))


def _to_row(key: ApiKey) -> dict[str, Any]:
    return {
        "digest": key.digest,
        "name": key.name,
        "user_id": key.user_id,
        "scopes": " ".join(sorted(key.scopes)),
        "created_at": to_milliseconds(key.created_at),
        "expires_at": _to_count(key.expires_at),
        "last_used_at": _to_count(key.last_used_at),
        "revoked_at": _to_count(key.revoked_at),
    }


def _to_key(row: RowMapping) -> ApiKey:
    return ApiKey(
        digest=row["digest"],
        name=row["name"],
        user_id=row["user_id"],
        scopes=known_scopes(row["scopes"].split()),
        created_at=from_milliseconds(row["created_at"]),
        expires_at=_to_time(row["expires_at"]),
        last_used_at=_to_time(row["last_used_at"]),
        revoked_at=_to_time(row["revoked_at"]),
    )


def _to_count(time: datetime | None) -> int | None:
    return None if time is None else to_milliseconds(time)


def _to_time(count: int | None) -> datetime | None:
    return None if count is None else from_milliseconds(count)
