"""Add the nonces and the maximum age of sessions."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Text, inspect

revision: Final = "0002"
down_revision: Final = "0001"
is_additive: Final = True


def upgrade(op: Operations) -> None:
    """Add the columns that are missing: a database from before migrations may have them.

    NULL is their value for older sessions, which have no nonce and no maximum age.
    """
    existing = {column["name"] for column in inspect(op.get_bind()).get_columns("upload_sessions")}
    for column in (
        Column("nonce", Text),
        Column("closes_at", BigInteger),
        Column("result_nonce", Text),
    ):
        if column.name not in existing:
            op.add_column("upload_sessions", column)
