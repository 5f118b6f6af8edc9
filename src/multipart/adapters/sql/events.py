"""Events and webhooks in SQL tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ...domain.upload_event import LoggedEvent, UploadEvent
from ...domain.webhook import WebhookState
from .database import Database
from .engine import open_current_database
from .inserts import insert_if_new
from .rows import to_milliseconds
from .tables import EVENTS, OUTBOX, WEBHOOKS

_COLLECT_LOCK: Final = 0x6D756C7469706575
"""Lock of PostgreSQL, the same in every release."""


@asynccontextmanager
async def open_sql_events(url: str) -> AsyncIterator[SqlEventRepository]:
    """Open the events of a database, with connections of their own. Raises as open_sql_sessions."""
    async with open_current_database(url) as database:
        yield SqlEventRepository(database)


@dataclass(frozen=True, slots=True)
class SqlEventRepository:
    """Moves events from the outbox to the log, one process at a time."""

    database: Database

    async def collect(self, limit: int) -> int:
        """Append stored events to the log."""
        # Usually there are none, and no lock is needed to see that.
        if not await self.database.read(select(OUTBOX.c.event_id).limit(1)):
            return 0

        async def work(connection: AsyncConnection) -> int:
            if self.database.dialect == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(_COLLECT_LOCK)))
            oldest_first = select(OUTBOX).order_by("occurred_at", "version").limit(limit)
            found = (await connection.execute(oldest_first)).mappings().all()
            if not found:
                return 0
            last = await connection.scalar(select(func.max(EVENTS.c.sequence))) or 0
            rows = [
                {
                    "sequence": last + 1 + n,
                    "user_id": _decode(row["body"]).data.user_id,
                    "occurred_at": row["occurred_at"],
                    "body": row["body"],
                }
                for n, row in enumerate(found)
            ]
            await connection.execute(insert(EVENTS), rows)
            collected = [row["event_id"] for row in found]
            await connection.execute(delete(OUTBOX).where(OUTBOX.c.event_id.in_(collected)))
            return len(rows)

        return await self.database.transact(work)

    async def read(self, after: int, limit: int, user_id: str | None = None) -> list[LoggedEvent]:
        """Read events that follow a sequence number."""
        following = select(EVENTS).where(EVENTS.c.sequence > after)
        if user_id is not None:
            following = following.where(EVENTS.c.user_id == user_id)
        return await self._read(following.order_by("sequence").limit(limit))

    async def get_many(self, sequences: Collection[int]) -> list[LoggedEvent]:
        """Read those events that are in the log."""
        return await self._read(select(EVENTS).where(EVENTS.c.sequence.in_(sequences)))

    async def last_sequence(self) -> int:
        """Return the last sequence number."""
        (row,) = await self.database.read(select(func.max(EVENTS.c.sequence).label("last")))
        return row["last"] or 0

    async def purge(self, before: datetime) -> int:
        """Remove old events, but never the last one."""
        last = await self.last_sequence()
        is_old = (EVENTS.c.occurred_at < to_milliseconds(before)) & (EVENTS.c.sequence < last)
        return await self.database.write(delete(EVENTS).where(is_old))

    async def load_webhook(self, url: str) -> WebhookState | None:
        """Read the state of a webhook."""
        rows = await self.database.read(select(WEBHOOKS).where(WEBHOOKS.c.url == url))
        if not rows:
            return None
        state = msgspec.json.decode(rows[0]["body"], type=WebhookState)
        return replace(state, version=rows[0]["version"])

    async def save_webhook(self, state: WebhookState) -> bool:
        """Store the state with the next version."""
        row = {"version": state.version + 1, "body": msgspec.json.encode(state).decode()}
        if state.version == 0:
            new = insert_if_new(self.database, WEBHOOKS, {"url": state.url, **row}, "url")
            return await self.database.write(new) > 0
        unchanged = (WEBHOOKS.c.url == state.url) & (WEBHOOKS.c.version == state.version)
        return await self.database.write(update(WEBHOOKS).where(unchanged).values(row)) > 0

    async def _read(self, query: Select[Any]) -> list[LoggedEvent]:
        rows = await self.database.read(query)
        return [LoggedEvent(row["sequence"], _decode(row["body"])) for row in rows]


def _decode(body: str) -> UploadEvent:
    return msgspec.json.decode(body, type=UploadEvent)
