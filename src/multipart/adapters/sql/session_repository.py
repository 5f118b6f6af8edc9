"""The session repository port on SQLAlchemy Core."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Text,
    cast,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)

from ...application.ports import SessionPage, SessionQuery
from ...domain.errors import (
    SessionNotFoundError,
    StaleSessionError,
    StoredSessionUnreadableError,
)
from ...domain.part import Part
from ...domain.session import SessionState, UploadSession
from .database import Database
from .inserts import INSERT, insert_if_new
from .outbox import outbox_insert
from .rows import part_row, session_row, to_milliseconds, to_part, to_session
from .tables import PARTS, SESSIONS

# As text: SQLAlchemy would fail the whole result because of one row with broken JSON.
_SELECT_SESSIONS: Final = select(
    *(column for column in SESSIONS.c if column.name != "metadata"),
    cast(SESSIONS.c["metadata"], Text).label("metadata"),
)
_logger: Final = logging.getLogger(__name__)
_OPEN_STATES: Final = sorted(state for state in SessionState if state.is_open)


class SqlSessionRepository:
    """Keeps the port's promises by single statements where it can: most need no transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = INSERT[database.dialect]
        insert = self._insert(PARTS)
        replaced = {
            name: insert.excluded[name] for name in ("etag", "size", "recorded_at", "state")
        }
        self._upsert = insert.on_conflict_do_update(
            index_elements=["upload_id", "number"], set_=replaced
        )

    async def now(self) -> datetime:
        return await self._database.now()

    async def add(self, session: UploadSession) -> None:
        new = insert_if_new(self._database, SESSIONS, session_row(session), "id")
        if not await self._database.write(new):
            raise StaleSessionError

    async def get(self, upload_id: str) -> UploadSession:
        rows = await self._database.read(_SELECT_SESSIONS.where(SESSIONS.c.id == upload_id))
        if not rows:
            raise SessionNotFoundError
        return to_session(rows[0])

    async def get_many(self, upload_ids: Sequence[str]) -> list[UploadSession]:
        named = _SELECT_SESSIONS.where(SESSIONS.c.id.in_(upload_ids))
        return _readable_sessions(await self._database.read(named))

    async def save(self, session: UploadSession) -> UploadSession:
        saved = session.with_version(session.version + 1)
        # The version is in the filter, not checked first: there is no window for a race.
        unchanged = (SESSIONS.c.id == session.id) & (SESSIONS.c.version == session.version)
        written = update(SESSIONS).where(unchanged).values(session_row(saved))
        event = outbox_insert(saved)
        if not await self._database.write(written, *([] if event is None else [event])):
            await self.get(session.id)  # raises SessionNotFoundError
            raise StaleSessionError
        return saved

    async def record_parts(self, upload_id: str, parts: Sequence[Part]) -> None:
        await self._database.write_each(self._upsert, _part_rows(upload_id, parts))

    async def report_parts(self, session: UploadSession, parts: Sequence[Part]) -> int:
        columns = SESSIONS.c
        is_open = select(columns.id).where(
            columns.id == session.id,
            columns.state.in_(_OPEN_STATES),
            columns.store_upload_id == session.store_upload_id,
            columns.store_upload_id.is_not(None),
        )
        # Either a concurrent save waits for these parts, or this query sees what it has stored.
        unchanged = is_open.with_for_update(read=True)
        rows = _part_rows(session.id, parts)
        if not await self._database.write_each(self._upsert, rows, only_if=unchanged):
            raise StaleSessionError
        # After the commit, because concurrent reports do not see each other's parts before.
        counted = select(func.count().label("parts")).where(PARTS.c.upload_id == session.id)
        (row,) = await self._database.read(counted)
        return int(row["parts"])

    async def list_parts(self, upload_id: str) -> list[Part]:
        of_session = select(PARTS).where(PARTS.c.upload_id == upload_id)
        return [to_part(row) for row in await self._database.read(of_session.order_by("number"))]

    async def forget_parts(self, upload_id: str) -> None:
        await self._database.write(delete(PARTS).where(PARTS.c.upload_id == upload_id))

    async def find(self, query: SessionQuery) -> SessionPage:
        newest_first = _SELECT_SESSIONS.where(*_conditions(query)).order_by(
            SESSIONS.c.created_at.desc(), SESSIONS.c.id.desc()
        )
        # One more than the limit shows whether more follow.
        found = await self._read_page(newest_first, "created_at", _is_older, query.limit + 1)
        return SessionPage(found[: query.limit], has_more=len(found) > query.limit)

    async def find_due(
        self, before: datetime, limit: int, after: tuple[datetime, str] | None = None
    ) -> list[UploadSession]:
        due = _SELECT_SESSIONS.where(SESSIONS.c.due_at < to_milliseconds(before)).order_by(
            SESSIONS.c.due_at, SESSIONS.c.id
        )
        if after is not None:
            due = due.where(_is_due_later(to_milliseconds(after[0]), after[1]))
        return await self._read_page(due, "due_at", _is_due_later, limit)

    async def purge_sessions(self, before: datetime, limit: int) -> int:
        # Only the id is read, so that unreadable sessions are purged as well.
        is_past = SESSIONS.c.retained_until < to_milliseconds(before)
        purged = await self._database.read(select(SESSIONS.c.id).where(is_past).limit(limit))
        for row in purged:
            # In one transaction: a session that can be read has its parts.
            await self._database.write_all(
                delete(PARTS).where(PARTS.c.upload_id == row["id"]),
                delete(SESSIONS).where(SESSIONS.c.id == row["id"]),
            )
        return len(purged)

    async def check(self) -> None:
        # A table, because an empty database answers as well.
        await self._database.read(select(SESSIONS.c.id).limit(1))
        await self._database.check_writable()

    async def _read_page(
        self,
        page: Select[Any],
        time: str,
        is_after: Callable[[int, str], ColumnElement[bool]],
        limit: int,
    ) -> list[UploadSession]:
        """Read `limit` sessions, or all that follow; rows that cannot be read do not count.

        The page is ordered by a time and the id; `is_after` is the condition for later positions.
        """
        found: list[UploadSession] = []
        while True:
            rows = await self._database.read(page.limit(limit))
            found += _readable_sessions(rows)
            if len(found) >= limit or len(rows) < limit:
                return found[:limit]
            page = page.where(is_after(rows[-1][time], rows[-1]["id"]))


def _readable_sessions(rows: Sequence[RowMapping]) -> list[UploadSession]:
    """Read sessions; log and skip those that cannot be read."""
    sessions = []
    for row in rows:
        try:
            sessions.append(to_session(row))
        except StoredSessionUnreadableError as error:
            _logger.error("%s %s", error, error.__cause__)  # noqa: TRY400  # the trace says no more
    return sessions


def _part_rows(upload_id: str, parts: Sequence[Part]) -> Iterator[dict[str, Any]]:
    # Each number once and in order, so that concurrent batches cannot deadlock.
    last = {part.number: part for part in parts}
    return (part_row(upload_id, last[number]) for number in sorted(last))


def _conditions(query: SessionQuery) -> list[ColumnElement[bool]]:
    columns = SESSIONS.c
    conditions: list[ColumnElement[bool]] = [columns.user_id == query.user_id]
    if query.token_id is not None:
        conditions.append(columns.token_id == query.token_id)
    if query.states:
        conditions.append(columns.state.in_(sorted(query.states)))
    if query.created_from is not None:
        conditions.append(columns.created_at >= to_milliseconds(query.created_from))
    if query.created_before is not None:
        conditions.append(columns.created_at < to_milliseconds(query.created_before))
    if query.after is not None:
        created_at, upload_id = query.after
        conditions.append(_is_older(to_milliseconds(created_at), upload_id))
    return conditions


def _is_older(created_at: int, upload_id: str) -> ColumnElement[bool]:
    position = tuple_(SESSIONS.c.created_at, SESSIONS.c.id)
    return position < tuple_(literal(created_at), literal(upload_id))


def _is_due_later(due_at: int, upload_id: str) -> ColumnElement[bool]:
    position = tuple_(SESSIONS.c.due_at, SESSIONS.c.id)
    return position > tuple_(literal(due_at), literal(upload_id))
