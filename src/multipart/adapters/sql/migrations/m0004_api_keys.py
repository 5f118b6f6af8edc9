"""Create the table of API keys."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Text, inspect

revision: Final = "0004"
down_revision: Final = "0003"
is_additive: Final = True


def upgrade(op: Operations) -> None:
    """Create the table if it is missing: a start may have died before it recorded the version."""
    if inspect(op.get_bind()).has_table("upload_api_keys"):
        return
    op.create_table(
        "upload_api_keys",
        Column("digest", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("user_id", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger),
        Column("last_used_at", BigInteger),
        Column("revoked_at", BigInteger),
    )
