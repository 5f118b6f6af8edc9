"""Events and webhooks in MongoDB."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import msgspec
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError

from ...domain.upload_event import LoggedEvent
from ...domain.webhook import WebhookState
from .client import open_database
from .documents import SessionDocument
from .errors import INDEX_SECONDS, translate_errors
from .outbox import OLDEST, OUTBOX, to_event
from .retries import resend_once

EVENTS: Final = "upload_events"
WEBHOOKS: Final = "upload_webhooks"
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DUPLICATE_KEY: Final = 11000


@asynccontextmanager
async def open_mongo_events(
    uri: str, database: str | None = None
) -> AsyncIterator[MongoEventRepository]:
    """Open the events in a database, with a connection of their own."""
    async with open_database(uri, database) as chosen:
        events = chosen[EVENTS]
        with translate_errors(INDEX_SECONDS):
            # Before the first event is collected: it is what keeps each event in the log once.
            await events.create_index([("event_id", ASCENDING)], unique=True)
            await events.create_index([("user_id", ASCENDING), ("_id", ASCENDING)])
            await events.create_index([("occurred_at", ASCENDING)])
        yield MongoEventRepository(chosen[SessionDocument.Settings.name], events, chosen[WEBHOOKS])


@dataclass(frozen=True, slots=True)
class MongoEventRepository:
    """Moves events from the sessions to a log, whose `_id` is the sequence number.

    Any number of processes may append: an event is inserted with the number that follows the last
    one, and only one insert of a number succeeds. So no event becomes visible before an earlier
    one.
    """

    sessions: AsyncCollection[dict[str, Any]]
    events: AsyncCollection[dict[str, Any]]
    webhooks: AsyncCollection[dict[str, Any]]

    async def collect(self, limit: int) -> int:
        """Append stored events to the log."""
        with translate_errors():
            waiting = self.sessions.find({OLDEST: {"$gt": _BEGINNING}}, [OUTBOX])
            found = await waiting.sort([(OLDEST, ASCENDING)]).limit(limit).to_list()
        collected = 0
        for session in found:
            await self._append(session[OUTBOX])
            # If another event has been added, the next call collects it, and finds these in the
            # log.
            unchanged = {"_id": session["_id"], OUTBOX: {"$size": len(session[OUTBOX])}}
            with translate_errors():
                await resend_once(
                    lambda unchanged=unchanged: self.sessions.update_one(  # type: ignore[misc]
                        unchanged, {"$unset": {OUTBOX: ""}}
                    )
                )
            collected += len(session[OUTBOX])
        return collected

    async def read(self, after: int, limit: int, user_id: str | None = None) -> list[LoggedEvent]:
        """Read events that follow a sequence number."""
        of_user = {} if user_id is None else {"user_id": user_id}
        with translate_errors():
            following = self.events.find({"_id": {"$gt": after}, **of_user})
            return _to_events(await following.sort([("_id", ASCENDING)]).limit(limit).to_list())

    async def get_many(self, sequences: Collection[int]) -> list[LoggedEvent]:
        """Read those events that are in the log."""
        with translate_errors():
            return _to_events(await self.events.find({"_id": {"$in": [*sequences]}}).to_list())

    async def last_sequence(self) -> int:
        """Return the last sequence number."""
        with translate_errors():
            last, _ = await resend_once(
                lambda: self.events.find_one({}, ["_id"], sort=[("_id", DESCENDING)])
            )
        return 0 if last is None else int(last["_id"])

    async def purge(self, before: datetime) -> int:
        """Remove old events, but never the last one."""
        is_old = {"occurred_at": {"$lt": before}, "_id": {"$lt": await self.last_sequence()}}
        with translate_errors():
            result, _ = await resend_once(lambda: self.events.delete_many(is_old))
        return result.deleted_count

    async def load_webhook(self, url: str) -> WebhookState | None:
        """Read the state of a webhook."""
        with translate_errors():
            found, _ = await resend_once(lambda: self.webhooks.find_one({"_id": url}))
        if found is None:
            return None
        state = msgspec.json.decode(found["body"], type=WebhookState)
        return replace(state, version=found["version"])

    async def save_webhook(self, state: WebhookState) -> bool:
        """Store the state with the next version."""
        unchanged = {"_id": state.url, "version": state.version}
        write_id = uuid4().hex
        body = msgspec.json.encode(state).decode()
        new = {"version": state.version + 1, "body": body, "write_id": write_id}
        with translate_errors():
            with suppress(DuplicateKeyError):
                result, _ = await resend_once(
                    lambda: self.webhooks.update_one(
                        unchanged, {"$set": new}, upsert=state.version == 0
                    )
                )
                if result.matched_count or result.upserted_id is not None:
                    return True
            # The answer to this same write may have been lost.
            stored, _ = await resend_once(
                lambda: self.webhooks.find_one({"_id": state.url}, ["write_id"])
            )
        return stored is not None and stored["write_id"] == write_id

    async def _append(self, entries: Sequence[Mapping[str, Any]]) -> None:
        remaining = [*entries]
        while remaining:
            first = await self.last_sequence() + 1
            documents = [_to_document(first + n, entry) for n, entry in enumerate(remaining)]
            with translate_errors():
                try:
                    await self.events.insert_many(documents, ordered=True)
                except BulkWriteError as exc:
                    (error,) = exc.details["writeErrors"]
                    if error["code"] != _DUPLICATE_KEY:
                        raise
                    remaining = remaining[error["index"] :]
                else:
                    return
                in_log = await self.events.find_one({"event_id": remaining[0]["id"]}, ["_id"])
            if in_log is not None:
                remaining = remaining[1:]


def _to_document(sequence: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    event = to_event(entry)
    return {
        "_id": sequence,
        "event_id": event.id,
        "user_id": event.data.user_id,
        "occurred_at": event.timestamp,
        "body": entry["body"],
    }


def _to_events(found: Sequence[Mapping[str, Any]]) -> list[LoggedEvent]:
    return [LoggedEvent(int(document["_id"]), to_event(document)) for document in found]
