"""Add the checksums of a file: declared, refused, and of the finished object."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import Column, Text, inspect

revision: Final = "0009"
down_revision: Final = "0008"
is_additive: Final = True


def upgrade(op: Operations) -> None:
    """Add the columns that are missing: a start may have died before it recorded the version.

    They are NULL for older sessions.
    """
    existing = {column["name"] for column in inspect(op.get_bind()).get_columns("upload_sessions")}
    for name in ("checksum", "refused_checksum", "result_checksum"):
        if name not in existing:
            op.add_column("upload_sessions", Column(name, Text))
