"""Create the table of the key that signs receipts."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import Column, Text, inspect

revision: Final = "0010"
down_revision: Final = "0009"
is_additive: Final = True


def upgrade(op: Operations) -> None:
    """Create the table unless it exists: a start may have died before it recorded the version."""
    if not inspect(op.get_bind()).has_table("upload_receipt_keys"):
        op.create_table(
            "upload_receipt_keys",
            Column("id", Text, primary_key=True),
            Column("pem", Text, nullable=False),
        )
