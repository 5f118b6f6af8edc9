"""Inserts that do nothing if the row exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

from .database import Database

# The same clause in both dialects, but SQLAlchemy has it in neither's common base.
INSERT: Final[Mapping[str, Callable[..., Any]]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


def insert_if_new(
    database: Database, table: Table, row: Mapping[str, Any], *key: str
) -> Executable:
    """Return the statement that inserts a row unless there is one with its key."""
    new = INSERT[database.dialect](table).values(row)
    statement: Executable = new.on_conflict_do_nothing(index_elements=list(key))
    return statement
