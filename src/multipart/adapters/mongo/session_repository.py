"""The session repository over two MongoDB collections."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, PyMongoError

from ...application.ports import SessionPage, SessionQuery
from ...domain.errors import (
    RepositoryUnavailableError,
    SessionNotFoundError,
    StaleSessionError,
    StoredSessionUnreadableError,
)
from ...domain.part import Part
from ...domain.session import UploadSession
from ...domain.upload_event import event_of
from .documents import PART_FIELDS, SessionDocument, to_part
from .errors import translate_errors
from .part_bitmap import (
    COUNT_FIELDS,
    bitmap_filter,
    clear_bits,
    copy_state,
    count_parts,
    open_bitmap_filter,
    remove_full_words,
    set_bits,
    set_bits_if_open,
)
from .part_ids import all_filter, parts_filter
from .part_writes import apply_writes, part_upserts, split_parts
from .queries import (
    BEING_REMOVED,
    NEWEST_FIRST,
    NOT_BEING_REMOVED,
    OLDEST_DUE_FIRST,
    due_filter,
    query_filter,
)
from .read_sessions import find_sessions, to_session, to_sessions
from .retries import resend_once

_logger = logging.getLogger(__name__)
_BATCH: Final = 1000
"""Parts decoded at once: between two batches the event loop serves other requests."""


@dataclass(frozen=True, slots=True)
class MongoSessionRepository:
    """Stores each session and each part in a document of its own.

    Beanie binds a document class to one database per process, the one opened last. So that two
    repositories never mix, each uses the collections it was given.
    """

    sessions: AsyncCollection[dict[str, Any]]
    parts: AsyncCollection[dict[str, Any]]

    async def now(self) -> datetime:
        """Return the primary's time."""
        with translate_errors():
            options = self.sessions.codec_options  # or the time comes without its zone
            database = self.sessions.database
            hello, _ = await resend_once(lambda: database.command("hello", codec_options=options))
        now: datetime = hello["localTime"]
        return now

    async def add(self, session: UploadSession) -> None:
        """Store a new session. Raise StaleSessionError if its id is taken."""
        document = SessionDocument.from_domain(session)
        with translate_errors():
            is_new, was_resent = await resend_once(partial(self._insert, document))
            if not is_new:
                await self._require_written(document, session.version, was_resent=was_resent)

    async def get(self, upload_id: str) -> UploadSession:
        """Read a session as last stored. Raise SessionNotFoundError if there is none."""
        with translate_errors():
            found = await self.sessions.find_one({"_id": upload_id, **NOT_BEING_REMOVED})
        if found is None:
            raise SessionNotFoundError
        return to_session(found)

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        """Read those sessions that exist."""
        with translate_errors():
            named = {"_id": {"$in": list(upload_ids)}, **NOT_BEING_REMOVED}
            found = await self.sessions.find(named).to_list()
        return to_sessions(found)

    async def save(self, session: UploadSession) -> UploadSession:
        """Store a changed session if its version is still the one stored."""
        document = SessionDocument.from_domain(session)
        unchanged = {"_id": session.id, "version": session.version}
        saved = session.with_version(session.version + 1)
        with translate_errors():
            result, was_resent = await resend_once(
                lambda: self.sessions.update_one(unchanged, document.to_update(event_of(saved)))
            )
            if not result.matched_count:
                await self._require_written(document, saved.version, was_resent=was_resent)
            await self._copy_state(saved)
        return saved

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        """Store parts, each replacing an earlier report of its number."""
        for chunk in split_parts(parts):
            writes = [set_bits(upload_id, chunk), *part_upserts(upload_id, chunk)]
            with translate_errors():
                while writes:
                    # Another report of the same number was first: the rest is sent again.
                    writes = writes[await apply_writes(self.parts, writes) :]

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        """Store parts in chunks while the part bitmap accepts them, and return the count.

        Raise StaleSessionError if the session does not accept reports for its store upload.
        """
        if session.store_upload_id is None:  # in a bitmap it means that no reports are accepted
            raise StaleSessionError
        for chunk in split_parts(parts):
            await self._report_chunk(session, chunk)
        with translate_errors():
            bitmap = await self._bitmap(session.id)
            if (update := remove_full_words(bitmap)) is not None:
                # The parts are stored. If this fails, the next report tries again.
                with suppress(PyMongoError):
                    await self.parts.update_one(open_bitmap_filter(session), update)
        return count_parts(bitmap)

    async def _report_chunk(self, session: UploadSession, parts: Sequence[Part]) -> None:
        # The bits first, because that update checks the session. A process that dies after it
        # leaves a bit without its part: its client got no answer, and reports the part again.
        check = set_bits_if_open(session, parts)
        writes = [check, *part_upserts(session.id, parts)]
        with translate_errors():
            while writes:
                applied = await apply_writes(self.parts, writes)
                if not applied and writes[0] is check:
                    await self._require_open(session)
                writes = writes[applied:]

    async def list_parts(self, upload_id: str) -> list[Part]:
        """Read all parts by ascending number."""
        with translate_errors():
            found = self.parts.find(parts_filter(upload_id), PART_FIELDS, batch_size=_BATCH)
            found.sort("_id", ASCENDING)
            parts: list[Part] = []
            while batch := await found.to_list(_BATCH):
                parts += _to_parts(upload_id, batch)
            return parts

    async def forget_parts(self, upload_id: str) -> None:
        """Remove all parts of a session."""
        with translate_errors():
            await resend_once(lambda: self.parts.delete_many(parts_filter(upload_id)))
            await resend_once(lambda: self.parts.update_one(bitmap_filter(upload_id), clear_bits()))

    async def find(self, query: SessionQuery) -> SessionPage:
        """Read a page of a user's sessions, newest first."""
        with translate_errors():
            # One more than the limit shows whether more follow.
            sessions = await find_sessions(
                self.sessions, query_filter(query), NEWEST_FIRST, query.limit + 1
            )
        return SessionPage(sessions[: query.limit], has_more=len(sessions) > query.limit)

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        """Read sessions that were due before, those due longest first."""
        with translate_errors():
            return await find_sessions(
                self.sessions, due_filter(before, after), OLDEST_DUE_FIRST, limit
            )

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        """Remove sessions whose retention ended before, and with each its parts."""
        is_purgeable = {"retained_until": {"$lt": before}}
        with translate_errors():
            found = await self.sessions.find(is_purgeable, ["_id"]).limit(limit).to_list()
        for session in found:
            await self._remove(session["_id"])
        return len(found)

    async def check(self) -> None:
        """Return if the primary answers."""
        with translate_errors():
            await resend_once(lambda: self.sessions.database.command("ping"))

    async def _insert(self, document: SessionDocument) -> bool:
        try:
            await self.sessions.insert_one(document.to_insert())
        except DuplicateKeyError:
            return False
        return True

    async def _require_written(
        self, document: SessionDocument, version: int, *, was_resent: bool
    ) -> None:
        """Return if this write made the stored version, although the server refused it.

        After a lost answer, a server that does not recognise a repeated write finds that the id is
        taken or the version has changed: by this same write.
        """
        found = await self.sessions.find_one(
            {"_id": document.id}, ["write_id", "version", *NOT_BEING_REMOVED]
        )
        if found is None:
            raise SessionNotFoundError
        if found.get("write_id") == document.write_id:
            return
        # A later version does not show whether this write came before it.
        is_unknown = was_resent and found.get("version", 0) > version
        # A sweep stopped while it removed a session of this id; the next one will finish.
        if is_unknown or BEING_REMOVED in found:
            raise RepositoryUnavailableError
        raise StaleSessionError

    async def _remove(self, upload_id: str) -> None:
        # First hide the session, then remove its parts: a session that can be read has its parts,
        # and if this sweep stops before the end, the next one finishes.
        with translate_errors():
            hide = {"$set": {BEING_REMOVED: True}}
            await resend_once(lambda: self.sessions.update_one({"_id": upload_id}, hide))
            await resend_once(lambda: self.parts.delete_many(all_filter(upload_id)))
            hidden = {"_id": upload_id, BEING_REMOVED: True}
            await resend_once(lambda: self.sessions.delete_one(hidden))

    async def _bitmap(self, upload_id: str) -> Mapping[str, Any] | None:
        return await self.parts.find_one(bitmap_filter(upload_id), COUNT_FIELDS)

    async def _copy_state(self, session: UploadSession) -> None:
        """Copy a session as stored to its bitmap, unless the bitmap has a later version."""
        where, update = copy_state(session)
        while True:
            try:
                await resend_once(lambda: self.parts.update_one(where, update, upsert=True))
            except DuplicateKeyError:
                bitmap = await self.parts.find_one(bitmap_filter(session.id), ["version"])
                if bitmap is None or bitmap.get("version", -1) < session.version:
                    continue  # a report made it just now, and a majority may not have it yet
            return

    async def _require_open(self, session: UploadSession) -> None:
        """Raise StaleSessionError unless the stored session accepts reports; correct the bitmap."""
        found = await self.sessions.find_one({"_id": session.id})
        stored = None if found is None else to_session(found)
        if stored is None or stored.recordable_store_upload_id != session.store_upload_id:
            raise StaleSessionError
        # The process that opened the session died before it updated the bitmap, or is about to; or
        # another report has just made the bitmap.
        await self._copy_state(stored)


def _to_parts(upload_id: str, found: Sequence[Mapping[str, Any]]) -> list[Part]:
    try:
        return [*map(to_part, found)]
    except (AttributeError, KeyError, ValueError):
        _logger.error("Cannot read the stored parts of upload %s", upload_id)  # noqa: TRY400
        raise StoredSessionUnreadableError(upload_id) from None
