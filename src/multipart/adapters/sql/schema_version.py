"""Which schema this release works with, and which one a database has."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, column, inspect, select, table

LATEST: Final = "0010"
"""The last migration. A constant, because finding it with Alembic would delay every start."""
VERSION_TABLE: Final = "upload_schema_version"
"""Not Alembic's usual name, which another application in the same database may use."""


def read_version(connection: Connection) -> str | None:
    """Return the version; None for an empty database and for one from before migrations."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(
        select(column("version_num")).select_from(table(VERSION_TABLE))
    )
    return version


def is_current(version: str | None) -> bool:
    """Return whether the schema has every migration of this release; versions ascend."""
    return version is not None and version >= LATEST
