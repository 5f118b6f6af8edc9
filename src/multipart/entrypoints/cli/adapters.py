"""`multipart-upload adapters`."""

from __future__ import annotations

from importlib.metadata import version

import click

from ...plugins import InstalledAdapter, list_adapters
from ...stores import BUILT_IN
from ..terminal import escape_unprintable


@click.command()
def adapters() -> None:
    """List the object stores and session databases that can be chosen.

    Those of other packages are found by their entry points in the groups
    multipart_upload.object_stores and multipart_upload.session_repositories.
    """
    rows = [("SETTING", "VALUE", "PACKAGE"), *map(_row, [*_built_in(), *list_adapters()])]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for setting, name, package in rows:
        click.echo(f"{setting:{widths[0]}}  {name:{widths[1]}}  {package}")


def _built_in() -> list[InstalledAdapter]:
    package = f"multipart-upload {version('multipart-upload')}"
    values = [("DATABASE_URL", "SQLite or PostgreSQL"), ("MONGO_URI", "MongoDB")]
    values += [("OBJECT_STORE", name) for name in sorted(BUILT_IN)]
    return [InstalledAdapter(setting, value, package, None) for setting, value in values]


def _row(adapter: InstalledAdapter) -> tuple[str, str, str]:
    error = f" ({escape_unprintable(adapter.error)})" if adapter.error else ""
    return adapter.setting, adapter.name, f"{adapter.package}{error}"
