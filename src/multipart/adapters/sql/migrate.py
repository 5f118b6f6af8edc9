"""Find and run the migrations, with Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from ...domain.errors import RepositoryMisconfiguredError
from .schema_version import VERSION_TABLE, is_current, read_version

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def run_pending(connection: Connection, *, only_additive: bool) -> list[str]:
    """Run the pending migrations and return their names; the caller has locked the schema."""
    version = read_version(connection)
    if is_current(version):  # Another process has migrated while this one waited for the lock.
        return []
    pending = Migrations(version)
    if only_additive and inspect(connection).has_table("upload_sessions"):
        pending.require_additive()
    pending.run(connection)
    return pending.names


class Migrations:
    """The migrations after a version, in order; all migrations if it is None.

    There is no `env.py`, because its `op` and `context` would be global to the process.
    """

    def __init__(self, after: str | None) -> None:
        self._directory = ScriptDirectory(MIGRATIONS, version_locations=[MIGRATIONS])
        scripts = reversed(list(self._directory.walk_revisions()))
        self._scripts = [script for script in scripts if after is None or script.revision > after]

    @property
    def names(self) -> list[str]:
        """Name each by its version and what it does."""
        return [f"{script.revision} {script.doc.rstrip('.')}" for script in self._scripts]

    def require_additive(self) -> None:
        """Raise RepositoryMisconfiguredError if one may break processes of an earlier release."""
        if not all(script.module.is_additive for script in self._scripts):
            raise RepositoryMisconfiguredError(
                "migration-pending",
                "the schema is of an earlier release; stop the processes of that release and run "
                "`multipart-upload migrate`",
            )

    def run(self, connection: Connection) -> None:
        """Run them in the connection's transaction."""
        steps = [
            MigrationStep.upgrade_from_script(self._directory.revision_map, script)
            for script in self._scripts
        ]
        options = {"version_table": VERSION_TABLE, "fn": lambda *_: steps}
        context = MigrationContext.configure(connection, opts=options)
        context.run_migrations(op=Operations(context))
