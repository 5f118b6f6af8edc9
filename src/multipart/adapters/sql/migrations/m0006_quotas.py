"""Create the tables of quotas."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Text, inspect

revision: Final = "0006"
down_revision: Final = "0005"
is_additive: Final = True


def upgrade(op: Operations) -> None:
    """Create the tables that are missing: a start may have died before it recorded the version."""
    inspector = inspect(op.get_bind())
    text = Text().with_variant(Text(collation="C"), "postgresql")
    if not inspector.has_table("upload_quotas"):
        op.create_table(
            "upload_quotas",
            Column("user_id", text, primary_key=True),
            Column("open_uploads", BigInteger, nullable=False),
            Column("open_bytes", BigInteger, nullable=False),
            Column("period", BigInteger, nullable=False),
            Column("period_bytes", BigInteger, nullable=False),
        )
    if not inspector.has_table("upload_reservations"):
        op.create_table(
            "upload_reservations",
            Column("user_id", text, primary_key=True),
            Column("upload_id", text, primary_key=True),
            Column("size", BigInteger, nullable=False),
            Column("period", BigInteger, nullable=False),
            Column("reserved_at", BigInteger, nullable=False),
        )
