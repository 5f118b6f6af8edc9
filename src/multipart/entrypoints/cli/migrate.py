"""`multipart-upload migrate`."""

from __future__ import annotations

import asyncio
import logging.config

import click

from ...domain.errors import UnavailableError
from ...session_database import SessionDatabase, choose_database
from ...settings import SettingsError, load_settings
from .logs import log_config
from .start_log import add_misspellings


@click.command()
@click.option(
    "--check", is_flag=True, help="Change nothing; exit with 1 if a migration is pending."
)
def migrate(*, check: bool) -> None:
    """Bring the SQL database to the schema of this release.

    The settings are those of `serve`, which itself runs migrations that only add to the schema. If
    another kind is pending, `serve` waits: stop the processes of the earlier release and run this
    command. It may run at any time and in several processes at once. MongoDB needs no migrations.
    """
    try:
        settings = load_settings()
        database = choose_database(settings)
    except (SettingsError, ValueError) as exc:
        raise click.ClickException(add_misspellings(str(exc))) from exc
    logging.config.dictConfig(log_config("WARNING"))
    try:
        asyncio.run(_check(database) if check else _migrate(database))
    except UnavailableError as exc:
        msg = f"{database.description}: {exc.cause or exc}"
        raise click.ClickException(msg) from exc


async def _migrate(database: SessionDatabase) -> None:
    if database.migrate is None:
        click.echo(f"{database.description} needs no migrations.")
    elif names := await database.migrate():
        click.echo(f"{database.description} is migrated: {', '.join(names)}.")
    else:
        click.echo(f"{database.description} is up to date.")


async def _check(database: SessionDatabase) -> None:
    if database.list_pending_migrations is None:
        click.echo(f"{database.description} needs no migrations.")
    elif names := await database.list_pending_migrations():
        msg = (
            f"{database.description} is behind this release; "
            f"`multipart-upload migrate` will run: {', '.join(names)}."
        )
        raise click.ClickException(msg)
    else:
        click.echo(f"{database.description} is up to date.")
