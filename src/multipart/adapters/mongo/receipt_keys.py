"""The key of receipts in MongoDB: one document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from ...domain.receipt import ReceiptKey
from .client import open_database
from .errors import translate_errors
from .retries import resend_once

COLLECTION: Final = "upload_receipt_keys"
_KEY: Final = {"_id": "first"}


@asynccontextmanager
async def open_mongo_receipt_keys(
    uri: str, database: str | None = None
) -> AsyncIterator[MongoReceiptKeyRepository]:
    """Open the key in a database, with a connection of its own."""
    async with open_database(uri, database) as chosen:
        yield MongoReceiptKeyRepository(chosen[COLLECTION])


@dataclass(frozen=True, slots=True)
class MongoReceiptKeyRepository:
    """Stores the key in a document whose `_id` is constant, so that there is only one."""

    keys: AsyncCollection[dict[str, Any]]

    async def find_key(self) -> ReceiptKey | None:
        """Read the key."""
        with translate_errors():
            found, _ = await resend_once(lambda: self.keys.find_one(_KEY))
        return None if found is None else ReceiptKey(found["pem"])

    async def add_key(self, new: ReceiptKey) -> ReceiptKey:
        """Store the key unless there is one."""
        added = {"$setOnInsert": {"pem": new.pem}}
        # Of two upserts at once, one may fail.
        with translate_errors(), suppress(DuplicateKeyError):
            await resend_once(lambda: self.keys.update_one(_KEY, added, upsert=True))
        return await self.find_key() or new
