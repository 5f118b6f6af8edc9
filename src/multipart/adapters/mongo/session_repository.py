"""The session repository over two MongoDB collections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ASCENDING, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError

from ...domain.errors import SessionNotFoundError, StaleSessionError
from ...domain.model import Part, UploadSession
from ...domain.ports import SessionPage, SessionQuery
from .documents import PART_FIELDS, SessionDocument, part_upsert, to_part
from .errors import answered
from .queries import LONGEST_DUE_FIRST, NEWEST_FIRST, due_before, matching
from .tally import PARTS, TALLIES, counted, marks

_CHUNK: Final = 250
"""Parts in one command: each has the whole bound for its answer, however many parts there are."""
_BATCH: Final = 1000
"""Parts read at once: between two batches the event loop serves others."""
_DUPLICATE_KEY: Final = 11000


@dataclass(frozen=True, slots=True)
class MongoSessionRepository:
    """Keeps each session and each part in a document of its own; no write spans two of them.

    Beanie binds a document class to one database per process, the last one opened. So that two
    repositories never mix, each keeps to the collections it was given.
    """

    sessions: AsyncCollection[dict[str, Any]]
    parts: AsyncCollection[dict[str, Any]]
    part_life: timedelta

    async def now(self) -> datetime:
        """Give the primary's time."""
        with answered():
            options = self.sessions.codec_options  # or the time comes without its zone
            hello = await self.sessions.database.command("hello", codec_options=options)
        now: datetime = hello["localTime"]
        return now

    async def add(self, session: UploadSession) -> None:
        """Store a new session. Raise StaleSessionError if its id is taken."""
        document = SessionDocument.from_domain(session)
        with answered():
            try:
                await self.sessions.insert_one(document.inserted())
            except DuplicateKeyError:
                if await self._last_write(session.id) != document.write_id:
                    raise StaleSessionError from None

    async def get(self, upload_id: str) -> UploadSession:
        """Read a session as last stored. Raise SessionNotFoundError if there is none."""
        with answered():
            found = await self.sessions.find_one({"_id": upload_id})
        if found is None:
            raise SessionNotFoundError
        return _session(found)

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        """Read those sessions that exist."""
        with answered():
            found = await self.sessions.find({"_id": {"$in": list(upload_ids)}}).to_list()
        return [_session(document) for document in found]

    async def save(self, session: UploadSession) -> UploadSession:
        """Store a changed session if its version is still the one stored."""
        document = SessionDocument.from_domain(session)
        unchanged = {"_id": session.id, "version": session.version}
        with answered():
            result = await self.sessions.update_one(unchanged, document.next_version())
            if not result.matched_count:
                await self._require_written(document)
        return session.stored(session.version + 1)

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        """Store parts in order, each replacing an earlier report of its number."""
        for start in range(0, len(parts), _CHUNK):
            chunk = parts[start : start + _CHUNK]
            upserts = [part_upsert(upload_id, part, self.part_life) for part in chunk]
            # Behind the parts: what dies in between leaves a part uncounted, never one that is
            # counted and not there. Its client has no answer, and reports it again.
            upserts += marks(upload_id, chunk, self.part_life)
            with answered():
                while upserts:
                    upserts = upserts[await self._applied(upserts) :]

    async def list_parts(self, upload_id: str) -> list[Part]:
        """Read all parts by ascending number."""
        with answered():
            of_session = {"session_id": upload_id, "number": PARTS}
            found = self.parts.find(of_session, PART_FIELDS, batch_size=_BATCH)
            found.sort("number", ASCENDING)
            parts: list[Part] = []
            while batch := await found.to_list(_BATCH):
                parts += map(to_part, batch)
            return parts

    async def forget_parts(self, upload_id: str) -> None:
        """Remove all parts of a session."""
        with answered():
            await self.parts.delete_many({"session_id": upload_id})

    async def count_parts(self, upload_id: str) -> int:
        """Count the parts recorded."""
        with answered():
            tallies = self.parts.find({"session_id": upload_id, "number": TALLIES})
            return counted(await tallies.to_list())

    async def find(self, query: SessionQuery) -> SessionPage:
        """Read a page of a user's sessions, newest first."""
        with answered():
            newest = self.sessions.find(matching(query)).sort(NEWEST_FIRST)
            # One more than asked for tells whether more follow.
            found = await newest.limit(query.limit + 1).to_list()
        sessions = [_session(document) for document in found]
        return SessionPage(sessions[: query.limit], has_more=len(sessions) > query.limit)

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        """Read sessions that were due before, the longest first."""
        with answered():
            due = self.sessions.find(due_before(before, after)).sort(LONGEST_DUE_FIRST)
            found = await due.limit(limit).to_list()
        return [_session(document) for document in found]

    async def remove_retired(self, before: datetime, limit: int) -> int:
        """Do what the TTL indexes do, for servers that speak MongoDB's protocol without them."""
        is_retired = {"retained_until": {"$lt": before}}
        with answered():
            retired = await self.sessions.find(is_retired, ["_id"]).limit(limit).to_list()
        for session in retired:
            # The parts first: without its session nobody would look for them any more.
            await self.forget_parts(session["_id"])
            with answered():
                await self.sessions.delete_one({"_id": session["_id"]})
        return len(retired)

    async def check(self) -> None:
        """Return when the primary answers."""
        with answered():
            await self.sessions.database.command("ping")

    async def _require_written(self, document: SessionDocument) -> None:
        last_write = await self._last_write(document.id)
        if last_write is None:
            raise SessionNotFoundError
        if last_write != document.write_id:
            raise StaleSessionError

    async def _last_write(self, upload_id: str) -> str | None:
        # The driver repeats a write whose answer was lost. A server that does not recognise the
        # repetition says that the id is taken or the version has passed: by this very write.
        found = await self.sessions.find_one({"_id": upload_id}, ["write_id"])
        return None if found is None else found["write_id"]

    async def _applied(self, upserts: Sequence[UpdateOne]) -> int:
        """Tell how many were applied before one that lost the race to insert its number."""
        try:
            await self.parts.bulk_write(upserts)
        except BulkWriteError as exc:
            errors = exc.details["writeErrors"]
            raced = [error["index"] for error in errors if error["code"] == _DUPLICATE_KEY]
            if not raced or exc.details["writeConcernErrors"]:
                raise
            return int(raced[0])
        return len(upserts)


def _session(found: dict[str, Any]) -> UploadSession:
    document: SessionDocument = SessionDocument.model_validate(found)
    return document.to_domain()
