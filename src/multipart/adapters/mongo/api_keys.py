"""API keys in MongoDB: a small collection of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection

from ...domain.api_key import ApiKey
from ...domain.principal import known_scopes
from .client import open_database
from .errors import translate_errors
from .retries import resend_once

COLLECTION: Final = "upload_api_keys"


@asynccontextmanager
async def open_mongo_api_keys(
    uri: str, database: str | None = None
) -> AsyncIterator[MongoApiKeyRepository]:
    """Open the keys in a database, with a connection of their own."""
    async with open_database(uri, database) as chosen:
        yield MongoApiKeyRepository(chosen[COLLECTION])


@dataclass(frozen=True, slots=True)
class MongoApiKeyRepository:
    """Stores each key in a document; its `_id` is the digest."""

    keys: AsyncCollection[dict[str, Any]]

    async def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        # An update, so that it may be sent again after a lost answer.
        await self._update(key.digest, {"$set": _to_document(key)}, upsert=True)

    async def find_key(self, digest: str) -> ApiKey | None:
        """Read a key."""
        with translate_errors():
            found, _ = await resend_once(lambda: self.keys.find_one({"_id": digest}))
        return None if found is None else _to_key(found)

    async def list_keys(self) -> list[ApiKey]:
        """Read all keys, oldest first."""
        oldest_first = [("created_at", ASCENDING), ("_id", ASCENDING)]
        with translate_errors():
            return [_to_key(found) async for found in self.keys.find().sort(oldest_first)]

    async def revoke_key(self, digest: str, now: datetime) -> None:
        """Mark a key as revoked."""
        await self._update(digest, {"$set": {"revoked_at": now}}, revoked_at=None)

    async def note_use(self, digest: str, now: datetime) -> None:
        """Store when a key was used last."""
        await self._update(digest, {"$set": {"last_used_at": now}})

    async def _update(
        self, digest: str, update: Mapping[str, Any], *, upsert: bool = False, **more: object
    ) -> None:
        wanted = {"_id": digest, **more}
        with translate_errors():
            await resend_once(lambda: self.keys.update_one(wanted, update, upsert=upsert))


def _to_document(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "user_id": key.user_id,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def _to_key(found: Mapping[str, Any]) -> ApiKey:
    return ApiKey(
        digest=found["_id"],
        name=found.get("name", ""),
        user_id=found["user_id"],
        scopes=known_scopes(found["scopes"]),
        created_at=found["created_at"],
        expires_at=found.get("expires_at"),
        last_used_at=found.get("last_used_at"),
        revoked_at=found.get("revoked_at"),
    )
