"""Rows of earlier releases, rows with values that this release does not know, and broken rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from multipart_upload.adapters.sql import open_sql_sessions
from multipart_upload.adapters.sql.rows import session_row, to_session
from multipart_upload.application.ports import SessionQuery, SessionRepository
from multipart_upload.domain.errors import StoredSessionUnreadableError
from multipart_upload.domain.session import Lease, SessionState, UploadSession
from multipart_upload.testing.contract.sample_sessions import (
    NOW,
    full_session,
    sample_part,
    sample_session,
)
from tests.servers.sql_databases import SqlDatabase
from tests.stored import STORED_SQL

ROOT = Path(__file__).parents[2]
LATER = datetime.fromisoformat("2037-01-01T00:00:00+00:00")
REQUIRED: Final = {
    "id",
    "user_id",
    "key",
    "filename",
    "content_type",
    "created_at",
    "active_at",
    "expires_at",
    "state",
    "version",
}


def read_expected(stored: Path) -> dict[str, dict[str, Any]]:
    """Return the sessions and parts that a release has stored, by upload id."""
    found = json.loads((ROOT / stored / "sessions.json").read_text())
    return {one["session"]["id"]: one for one in found}


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return dict(value) if isinstance(value, Mapping) else value


def require_fields(found: Any, expected: Mapping[str, Any]) -> None:
    """Require the expected fields and, for fields that were added since, their defaults."""
    values = plain(found)
    for name, value in expected.items():
        if isinstance(value, dict) and name != "metadata":
            require_fields(getattr(found, name), value)
        else:
            assert values[name] == value, name
    defaults = {field.name: field.default for field in fields(found)}
    assert [
        name for name in values.keys() - expected.keys() if values[name] != defaults[name]
    ] == []


@pytest.fixture(params=STORED_SQL, ids=str)
async def stored(request: pytest.FixtureRequest, sql_database: SqlDatabase) -> Path:
    """Provide the folder of an earlier release, whose rows the database has."""
    folder: Path = request.param
    await sql_database.execute((ROOT / folder / f"{sql_database.kind}.sql").read_text())
    return folder


@pytest.fixture
async def sessions(stored: Path, sql_database: SqlDatabase) -> AsyncIterator[SessionRepository]:
    del stored  # only to be there first
    async with open_sql_sessions(sql_database.url) as sessions:
        yield sessions


async def test_every_row_of_an_earlier_release_reads_as_it_was_written(
    sessions: SessionRepository, stored: Path
) -> None:
    expected = read_expected(stored)
    assert {one["session"]["state"] for one in expected.values()} == set(SessionState)
    for upload_id, one in expected.items():
        require_fields(await sessions.get(upload_id), one["session"])
        parts = await sessions.list_parts(upload_id)
        assert len(parts) == len(one["parts"])
        for part, fields_of_part in zip(parts, one["parts"], strict=True):
            require_fields(part, fields_of_part)


async def test_rows_of_an_earlier_release_are_found_swept_and_purged(
    sessions: SessionRepository, stored: Path
) -> None:
    states = {
        id_: SessionState(one["session"]["state"]) for id_, one in read_expected(stored).items()
    }
    page = await sessions.find(SessionQuery(user_id="alice"))
    assert [session.id for session in page.sessions] == list(reversed(states))
    terminal = {id_ for id_, state in states.items() if state.is_terminal}
    due = await sessions.find_due(LATER, 100)
    assert {session.id for session in due} == states.keys() - terminal
    assert await sessions.purge_sessions(LATER, 100) == len(terminal)
    assert {session.id for session in await sessions.get_many(list(states))} == (
        states.keys() - terminal
    )


async def test_sessions_of_an_earlier_release_go_on(sessions: SessionRepository) -> None:
    session = await sessions.get("u-in-progress")
    assert await sessions.report_parts(session, [sample_part(2), sample_part(3)]) == 3
    lease = Lease("worker-7", session.expires_at)
    completing = await sessions.save(session.completing(lease, session.active_at))
    assert await sessions.get("u-in-progress") == completing


def row_of(session: UploadSession) -> dict[str, Any]:
    row = session_row(session)
    return {**row, "metadata": json.dumps(row["metadata"])}


def test_unknown_columns_are_ignored() -> None:
    assert to_session({**row_of(full_session()), "later": 1}) == full_session()


@pytest.mark.parametrize("name", sorted(row_of(full_session()).keys() - REQUIRED))
def test_columns_that_are_missing_read_as_those_that_are_null(name: str) -> None:
    row = {**row_of(sample_session()), name: None}
    as_null = to_session(row)
    del row[name]
    assert to_session(row) == as_null == sample_session()


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_required_columns_that_are_missing_make_the_session_unreadable(name: str) -> None:
    row = {**row_of(sample_session()), name: None}
    with pytest.raises(StoredSessionUnreadableError):
        to_session(row)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "paused"),
        ("ending", "paused"),
        ("created_at", "yesterday"),
        ("expires_at", 10**18),
        ("key", b"\xff"),
        ("metadata", "{"),
        ("metadata", "[1]"),
        ("metadata", '{"camera": 1}'),
        ("metadata", "[" * 100_000),
        ("plan_part_size", None),
        ("lease_deadline", None),
        ("result_etag", None),
        ("version", 1.5),
    ],
)
def test_wrong_value_makes_the_session_unreadable_by_its_id(name: str, value: object) -> None:
    with pytest.raises(StoredSessionUnreadableError) as refusal:
        to_session({**row_of(full_session()), name: value})
    assert refusal.value.upload_id == "upload-full"


@pytest.mark.parametrize(
    "damage",
    [
        "metadata = '{'",
        "key = CAST(x'ff' AS TEXT)",
        "created_at = 'yesterday', due_at = 'yesterday'",
    ],
)
async def test_damaged_sqlite_row_does_not_hide_the_others(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "uploads.db"
    async with open_sql_sessions(f"sqlite+aiosqlite:///{file}") as sessions:
        for n in range(3):
            await sessions.add(sample_session(f"u{n}", created_at=NOW + timedelta(seconds=n)))
        with closing(sqlite3.connect(file)) as other:
            other.execute(f"UPDATE upload_sessions SET {damage} WHERE id = 'u1'")  # noqa: S608
            other.commit()
        with pytest.raises(StoredSessionUnreadableError):
            await sessions.get("u1")
        page = await sessions.find(SessionQuery(user_id="alice"))
        assert [session.id for session in page.sessions] == ["u2", "u0"]
        due = await sessions.find_due(NOW + timedelta(days=9), 2)
        assert [session.id for session in due] == ["u0", "u2"]
