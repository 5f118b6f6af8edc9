"""A statement that the database rejects is a programming error, not an outage."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymongo.errors import AutoReconnect, DocumentTooLarge, OperationFailure, PyMongoError
from sqlalchemy import column, insert, select, table
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.schema import CreateTable

from multipart_upload.adapters.mongo.errors import translate_errors
from multipart_upload.adapters.sql.engine import open_database, parse_database_url
from multipart_upload.adapters.sql.tables import PARTS
from multipart_upload.domain.errors import RepositoryUnavailableError


async def test_row_that_violates_a_constraint_is_a_programming_error(tmp_path: Path) -> None:
    database = open_database(parse_database_url(f"sqlite+aiosqlite:///{tmp_path}/uploads.db"))
    try:
        await database.write(CreateTable(PARTS))
        with pytest.raises(IntegrityError):
            await database.write(insert(PARTS).values(upload_id="u", number=1))
    finally:
        await database.close()


async def test_invalid_postgresql_statement_is_a_programming_error(
    postgresql_url: str,
) -> None:
    database = open_database(parse_database_url(postgresql_url))
    try:
        with pytest.raises(ProgrammingError):
            await database.read(select(column("x")).select_from(table("no_such_table")))
    finally:
        await database.close()


@pytest.mark.parametrize(
    "mistake",
    [OperationFailure("unknown operator", 2), OperationFailure("", 14), DocumentTooLarge("17 MB")],
)
def test_invalid_mongodb_command_is_a_programming_error(mistake: PyMongoError) -> None:
    with pytest.raises(type(mistake)), translate_errors():
        raise mistake


@pytest.mark.parametrize(
    "failure",
    [
        AutoReconnect("connection closed"),
        OperationFailure("interrupted at shutdown", 11600),
        OperationFailure("not primary", 10107),
        OperationFailure("out of disk space", 14031),
        OperationFailure("no code at all"),
    ],
)
def test_failure_of_mongodb_is_unavailability(failure: PyMongoError) -> None:
    with pytest.raises(RepositoryUnavailableError), translate_errors():
        raise failure
