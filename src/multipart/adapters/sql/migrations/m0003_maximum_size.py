"""Add the size that a client declared for a file that it cuts itself, and the size refused."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, inspect

revision: Final = "0003"
down_revision: Final = "0002"
is_additive: Final = True


def upgrade(op: Operations) -> None:
    """Add the columns that are missing: a start may have died before it recorded the version.

    They are NULL for older sessions.
    """
    existing = {column["name"] for column in inspect(op.get_bind()).get_columns("upload_sessions")}
    for name in ("max_size", "refused_size"):
        if name not in existing:
            op.add_column("upload_sessions", Column(name, BigInteger))
