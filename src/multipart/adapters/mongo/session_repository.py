"""The session repository over two MongoDB collections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from pymongo import ASCENDING, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from ...application.ports import SessionPage, SessionQuery
from ...domain.errors import (
    RepositoryUnavailableError,
    SessionNotFoundError,
    StaleSessionError,
)
from ...domain.part import Part
from ...domain.session import UploadSession
from .documents import PART_FIELDS, SessionDocument, part_upsert, to_part
from .errors import answered
from .queries import (
    BEING_REMOVED,
    LONGEST_DUE_FIRST,
    NEWEST_FIRST,
    NOT_BEING_REMOVED,
    due_before,
    matching,
)
from .resending import resend_once
from .slots import all_slots, part_slots
from .tally import (
    COUNTED,
    counted,
    followed,
    forgotten,
    mark,
    mark_if_open,
    open_tally_of,
    shortened,
    tally_of,
)

_CHUNK: Final = 250
"""Parts in one command: each has the whole bound for its answer, however many parts there are."""
_BATCH: Final = 1000
"""Parts read at once: between two batches the event loop serves others."""
_DUPLICATE_KEY: Final = 11000


@dataclass(frozen=True, slots=True)
class MongoSessionRepository:
    """Keeps each session and each part in a document of its own; no write needs two of them.

    Beanie binds a document class to one database per process, the last one opened. So that two
    repositories never mix, each keeps to the collections it was given.
    """

    sessions: AsyncCollection[dict[str, Any]]
    parts: AsyncCollection[dict[str, Any]]

    async def now(self) -> datetime:
        """Give the primary's time."""
        with answered():
            options = self.sessions.codec_options  # or the time comes without its zone
            database = self.sessions.database
            hello, _ = await resend_once(lambda: database.command("hello", codec_options=options))
        now: datetime = hello["localTime"]
        return now

    async def add(self, session: UploadSession) -> None:
        """Store a new session. Raise StaleSessionError if its id is taken."""
        document = SessionDocument.from_domain(session)
        with answered():
            is_new, was_resent = await resend_once(partial(self._insert, document))
            if not is_new:
                await self._require_written(document, session.version, was_resent=was_resent)

    async def get(self, upload_id: str) -> UploadSession:
        """Read a session as last stored. Raise SessionNotFoundError if there is none."""
        with answered():
            found = await self.sessions.find_one({"_id": upload_id, **NOT_BEING_REMOVED})
        if found is None:
            raise SessionNotFoundError
        return _session(found)

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        """Read those sessions that exist."""
        with answered():
            named = {"_id": {"$in": list(upload_ids)}, **NOT_BEING_REMOVED}
            found = await self.sessions.find(named).to_list()
        return [_session(document) for document in found]

    async def save(self, session: UploadSession) -> UploadSession:
        """Store a changed session if its version is still the one stored."""
        document = SessionDocument.from_domain(session)
        unchanged = {"_id": session.id, "version": session.version}
        saved = session.stored(session.version + 1)
        with answered():
            result, was_resent = await resend_once(
                lambda: self.sessions.update_one(unchanged, document.next_version())
            )
            if not result.matched_count:
                await self._require_written(document, saved.version, was_resent=was_resent)
            await self._follow(saved)
        return saved

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        """Store parts, each replacing an earlier report of its number."""
        for chunk in _chunks(parts):
            writes = [mark(upload_id, chunk), *_upserts(upload_id, chunk)]
            with answered():
                while writes:
                    writes = writes[await self._applied(writes) :]

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        """Store parts of a session whose tally takes them, a chunk at a time, and count."""
        if session.store_upload_id is None:  # which in a tally says that none are taken
            raise StaleSessionError
        for chunk in _chunks(parts):
            # The tally first, because it decides. A process that dies in between leaves a part
            # counted that is not there: its client has no answer, and reports it again.
            decision = mark_if_open(session, chunk)
            writes = [decision, *_upserts(session.id, chunk)]
            with answered():
                while writes:
                    applied = await self._applied(writes)
                    if not applied and writes[0] is decision:
                        await self._require_open(session)
                    writes = writes[applied:]
        with answered():
            tally = await self._tally(session.id)
            if (update := shortened(tally)) is not None:
                # The parts are stored, and whoever comes next tries again.
                with suppress(PyMongoError):
                    await self.parts.update_one(open_tally_of(session), update)
        return counted(tally)

    async def list_parts(self, upload_id: str) -> list[Part]:
        """Read all parts by ascending number."""
        with answered():
            found = self.parts.find(part_slots(upload_id), PART_FIELDS, batch_size=_BATCH)
            found.sort("_id", ASCENDING)
            parts: list[Part] = []
            while batch := await found.to_list(_BATCH):
                parts += map(to_part, batch)
            return parts

    async def forget_parts(self, upload_id: str) -> None:
        """Remove all parts of a session."""
        with answered():
            await resend_once(lambda: self.parts.delete_many(part_slots(upload_id)))
            await resend_once(lambda: self.parts.update_one(tally_of(upload_id), forgotten()))

    async def count_parts(self, upload_id: str) -> int:
        """Count the parts recorded."""
        with answered():
            return counted(await self._tally(upload_id))

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

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        """Remove sessions whose retention ended before, and with each its parts."""
        is_retired = {"retained_until": {"$lt": before}}
        with answered():
            retired = await self.sessions.find(is_retired, ["_id"]).limit(limit).to_list()
        for session in retired:
            await self._remove(session["_id"])
        return len(retired)

    async def check(self) -> None:
        """Return when the primary answers."""
        with answered():
            await resend_once(lambda: self.sessions.database.command("ping"))

    async def _insert(self, document: SessionDocument) -> bool:
        try:
            await self.sessions.insert_one(document.inserted())
        except DuplicateKeyError:
            return False
        return True

    async def _require_written(
        self, document: SessionDocument, version: int, *, was_resent: bool
    ) -> None:
        """Return if this write has made the version, although the server refused it as late.

        A server that does not recognise a repeated write says that the id is taken or the version
        has passed: by this very write.
        """
        found = await self.sessions.find_one(
            {"_id": document.id}, ["write_id", "version", *NOT_BEING_REMOVED]
        )
        if found is None:
            raise SessionNotFoundError
        if found["write_id"] == document.write_id:
            return
        # A later version: whose write came before it cannot be seen any more.
        is_unknown = was_resent and found["version"] > version
        # The sweep was stopped while it removed a session of this id; it will finish.
        if is_unknown or BEING_REMOVED in found:
            raise RepositoryUnavailableError
        raise StaleSessionError

    async def _remove(self, upload_id: str) -> None:
        # Hidden first, parts next: a session that can be read has its parts, and a sweep that
        # stops in between is finished by the next one.
        with answered():
            hide = {"$set": {BEING_REMOVED: True}}
            await resend_once(lambda: self.sessions.update_one({"_id": upload_id}, hide))
            await resend_once(lambda: self.parts.delete_many(all_slots(upload_id)))
            hidden = {"_id": upload_id, BEING_REMOVED: True}
            await resend_once(lambda: self.sessions.delete_one(hidden))

    async def _tally(self, upload_id: str) -> Mapping[str, Any] | None:
        return await self.parts.find_one(tally_of(upload_id), COUNTED)

    async def _follow(self, session: UploadSession) -> None:
        """Have the tally follow a session as stored, unless it follows a later version already."""
        where, update = followed(session)
        while True:
            try:
                await resend_once(lambda: self.parts.update_one(where, update, upsert=True))
            except DuplicateKeyError:
                tally = await self.parts.find_one(tally_of(session.id), ["version"])
                if tally is None or tally.get("version", -1) < session.version:
                    continue  # it was made in between, and a majority may not have it yet
            return

    async def _require_open(self, session: UploadSession) -> None:
        """Raise StaleSessionError unless reports are taken, now at the latest."""
        found = await self.sessions.find_one({"_id": session.id})
        stored = None if found is None else _session(found)
        if stored is None or stored.recordable_store_upload_id != session.store_upload_id:
            raise StaleSessionError
        # Whoever opened it has died or not yet come to the tally, or it was made in between.
        await self._follow(stored)

    async def _applied(self, upserts: Sequence[UpdateOne]) -> int:
        """Tell how many were applied before one that lost the race to insert its number."""
        try:
            await resend_once(lambda: self.parts.bulk_write(upserts))
        except BulkWriteError as exc:
            errors = exc.details["writeErrors"]
            raced = [error["index"] for error in errors if error["code"] == _DUPLICATE_KEY]
            if not raced or exc.details["writeConcernErrors"]:
                raise
            return int(raced[0])
        return len(upserts)


def _chunks(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    # Each number once, by number: a server that locks what a command has written, as FerretDB
    # does, would find two batches waiting for each other's parts.
    last = {part.number: part for part in parts}
    ordered = [last[number] for number in sorted(last)]
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))


def _upserts(upload_id: str, parts: Sequence[Part]) -> list[UpdateOne]:
    return [part_upsert(upload_id, part) for part in parts]


def _session(found: dict[str, Any]) -> UploadSession:
    document: SessionDocument = SessionDocument.model_validate(found)
    return document.to_domain()
