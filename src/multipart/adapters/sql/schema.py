"""Bring the database's schema to the version that this release works with.

Alembic is imported only when a migration is pending, because importing it delays every start.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

from .database import Database
from .schema_version import LATEST, is_current, read_version

_logger: Final = logging.getLogger(__name__)


async def upgrade_schema(database: Database, *, only_additive: bool) -> list[str]:
    """Run the pending migrations in one transaction and return their names.

    If several processes start, one migrates and the others wait. An empty database gets all its
    tables. With `only_additive`, raise RepositoryMisconfiguredError if a pending migration could
    break processes of an earlier release. The schema of a later release stays as it is.
    """
    version = await database.inspect(read_version)
    if is_current(version):
        if version != LATEST:
            _logger.warning("The database has schema %s of a later release.", version)
        return []
    # Before the lock, so that other processes do not wait for the import.
    from .migrate import run_pending

    names = await database.change_schema(partial(run_pending, only_additive=only_additive))
    if names:
        _logger.info("Migrated the database: %s", ", ".join(names))
    return names


async def list_pending_migrations(database: Database) -> list[str]:
    """Return the names of the migrations that `upgrade_schema` would run."""
    version = await database.inspect(read_version)
    return [] if is_current(version) else list_migrations(after=version)


def list_migrations(after: str | None = None) -> list[str]:
    """Return the names of all migrations, or of those after a version."""
    from .migrate import Migrations

    return Migrations(after).names
