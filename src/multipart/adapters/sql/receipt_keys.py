"""The key of receipts in a SQL table of one row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from ...domain.receipt import ReceiptKey
from .database import Database
from .engine import open_current_database
from .inserts import insert_if_new
from .tables import RECEIPT_KEYS

_ID: Final = "first"


@asynccontextmanager
async def open_sql_receipt_keys(url: str) -> AsyncIterator[SqlReceiptKeyRepository]:
    """Open the key in a database, with connections of its own. Raises as open_sql_sessions."""
    async with open_current_database(url) as database:
        yield SqlReceiptKeyRepository(database)


@dataclass(frozen=True, slots=True)
class SqlReceiptKeyRepository:
    """Stores the key in a row whose id is constant, so that there is only one."""

    database: Database

    async def find_key(self) -> ReceiptKey | None:
        """Read the key."""
        wanted = select(RECEIPT_KEYS.c.pem).where(RECEIPT_KEYS.c.id == _ID)
        rows = await self.database.read(wanted)
        return ReceiptKey(rows[0]["pem"]) if rows else None

    async def add_key(self, new: ReceiptKey) -> ReceiptKey:
        """Store the key unless there is one."""
        row = {"id": _ID, "pem": new.pem}
        await self.database.write(insert_if_new(self.database, RECEIPT_KEYS, row, "id"))
        return await self.find_key() or new
