"""Add the upload token with which a session was started."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Text, inspect

revision: Final = "0005"
down_revision: Final = "0004"
is_additive: Final = True


def upgrade(op: Operations) -> None:
    """Add the columns that are missing: a start may have died before it recorded the version.

    They are NULL for older sessions.
    """
    existing = {column["name"] for column in inspect(op.get_bind()).get_columns("upload_sessions")}
    for name, kind in (("token_id", Text), ("token_expires_at", BigInteger), ("start_key", Text)):
        if name not in existing:
            op.add_column("upload_sessions", Column(name, kind))
