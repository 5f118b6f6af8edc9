"""The SQLite file is deleted or replaced while the service runs."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, make_url

from multipart_upload.adapters.sql import SqlSessionRepository, open_sql_sessions
from multipart_upload.adapters.sql.engine import open_database
from multipart_upload.application.ports import SessionRepository
from multipart_upload.domain.errors import RepositoryUnavailableError, SessionNotFoundError
from multipart_upload.testing.contract.sample_sessions import sample_part, sample_session


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "uploads.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture
async def sessions(url: str) -> AsyncIterator[SessionRepository]:
    async with open_sql_sessions(url) as sessions:
        await sessions.add(sample_session("before"))
        yield sessions


def delete(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink()


async def test_no_write_to_a_deleted_file_is_acknowledged(
    sessions: SessionRepository, file: Path
) -> None:
    delete(file)
    with pytest.raises(RepositoryUnavailableError):
        await sessions.add(sample_session())
    with pytest.raises(RepositoryUnavailableError):
        await sessions.record_parts("before", [sample_part()])
    with pytest.raises(RepositoryUnavailableError):
        await sessions.get("before")
    with pytest.raises(RepositoryUnavailableError):
        await sessions.check()
    assert not list(file.parent.glob(file.name)), (
        "an empty file would hide that the sessions are lost"
    )


async def test_file_moved_away_and_back_needs_no_restart(
    sessions: SessionRepository, file: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    found = [file.with_name(file.name + suffix) for suffix in ("", "-wal")]
    moved = [shutil.move(path, away / path.name) for path in found]
    with pytest.raises(RepositoryUnavailableError):
        await sessions.check()
    for path, back in zip(moved, found, strict=True):
        shutil.move(path, back)
    await sessions.check()
    await sessions.add(sample_session())
    assert await sessions.get("before") == sample_session("before")


async def test_replaced_file_is_used_and_writes_go_to_it(
    sessions: SessionRepository, file: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    async with open_sql_sessions(f"sqlite+aiosqlite:///{backup}") as of_backup:
        await of_backup.add(sample_session("of the backup"))
    delete(file)
    backup.rename(file)

    assert await sessions.get("of the backup") == sample_session("of the backup")
    with pytest.raises(SessionNotFoundError):
        await sessions.get("before")
    await sessions.add(sample_session())
    async with open_sql_sessions(f"sqlite+aiosqlite:///{file}") as reopened:
        assert await reopened.get("upload-1") == sample_session()


async def test_deleted_log_is_noticed_before_the_next_write(
    sessions: SessionRepository, file: Path
) -> None:
    file.with_name(file.name + "-wal").unlink()
    file.with_name(file.name + "-shm").unlink()
    await sessions.add(sample_session())
    async with open_sql_sessions(f"sqlite+aiosqlite:///{file}") as reopened:
        assert await reopened.get("upload-1") == sample_session()


async def test_file_deleted_during_a_write_refuses_the_write(url: str, file: Path) -> None:
    async with open_sql_sessions(url):
        pass
    database = open_database(make_url(url))
    event.listen(database.engine.sync_engine, "commit", lambda _: file.unlink())
    with pytest.raises(RepositoryUnavailableError):
        await SqlSessionRepository(database).add(sample_session())
    await database.close()
