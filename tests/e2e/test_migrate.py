"""`multipart-upload migrate` as an operator runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from multipart_upload.adapters.sql.schema_version import VERSION_TABLE
from tests.servers.mongodb_kinds import MongoServer
from tests.servers.sql_databases import SqlDatabase
from tests.stored import STORED_SQL

from .service import run_command

pytestmark = pytest.mark.e2e

ROOT: Final = Path(__file__).parents[2]
BUCKET: Final = {"S3_BUCKET_NAME": "unused"}


async def test_database_of_an_earlier_release_is_behind_until_it_is_migrated(
    sql_database: SqlDatabase, tmp_path: Path
) -> None:
    stored = ROOT / STORED_SQL[0] / f"{sql_database.kind}.sql"
    await sql_database.execute(stored.read_text())
    settings = {**BUCKET, "DATABASE_URL": sql_database.url}

    behind = run_command(tmp_path, settings, "migrate", "--check")
    assert behind.returncode == 1
    assert behind.stderr.startswith("Error: ")
    assert "(DATABASE_URL) is behind this release" in behind.stderr
    assert "`multipart-upload migrate` will run: 0001 " in behind.stderr

    migrated = run_command(tmp_path, settings, "migrate")
    assert (migrated.returncode, migrated.stderr) == (0, "")
    assert "is migrated: 0001 " in migrated.stdout

    for arguments in (["migrate", "--check"], ["migrate"]):
        current = run_command(tmp_path, settings, *arguments)
        assert (current.returncode, current.stderr) == (0, "")
        assert current.stdout.endswith("(DATABASE_URL) is up to date.\n")


async def test_database_of_a_later_release_is_up_to_date(
    sql_database: SqlDatabase, tmp_path: Path
) -> None:
    settings = {**BUCKET, "DATABASE_URL": sql_database.url}
    assert run_command(tmp_path, settings, "migrate").returncode == 0
    await sql_database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099'")  # noqa: S608
    assert run_command(tmp_path, settings, "migrate", "--check").returncode == 0


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["migrate", "check"])
def test_mongodb_needs_no_migrations(
    mongo_server: MongoServer, tmp_path: Path, arguments: list[str]
) -> None:
    ended = run_command(tmp_path, {**BUCKET, "MONGO_URI": mongo_server.uri}, "migrate", *arguments)
    assert ended.returncode == 0
    assert ended.stdout.startswith("MongoDB at ")
    assert ended.stdout.endswith("(MONGO_URI) needs no migrations.\n")


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["migrate", "check"])
def test_database_that_is_away_is_named_without_its_password(
    tmp_path: Path, arguments: list[str]
) -> None:
    url = "postgresql+asyncpg://user:s3cr3t@127.0.0.1:1/uploads"
    ended = run_command(tmp_path, {**BUCKET, "DATABASE_URL": url}, "migrate", *arguments)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: PostgreSQL at 127.0.0.1:1/uploads (DATABASE_URL): ")
    assert "s3cr3t" not in ended.stderr
