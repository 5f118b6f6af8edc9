"""Create the tables of events and webhooks."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import BigInteger, Column, Text, inspect

revision: Final = "0007"
down_revision: Final = "0006"
is_additive: Final = True


def upgrade(op: Operations) -> None:
    """Create the tables that are missing: a start may have died before it recorded the version."""
    existing = {*inspect(op.get_bind()).get_table_names()}
    text = Text().with_variant(Text(collation="C"), "postgresql")
    if "upload_outbox" not in existing:
        op.create_table(
            "upload_outbox",
            Column("event_id", text, primary_key=True),
            Column("occurred_at", BigInteger, nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("body", Text, nullable=False),
        )
        op.create_index("upload_outbox_order", "upload_outbox", ["occurred_at", "version"])
    if "upload_events" not in existing:
        op.create_table(
            "upload_events",
            Column("sequence", BigInteger, primary_key=True, autoincrement=False),
            Column("user_id", Text, nullable=False),
            Column("occurred_at", BigInteger, nullable=False),
            Column("body", Text, nullable=False),
        )
        op.create_index("upload_events_user", "upload_events", ["user_id", "sequence"])
        op.create_index("upload_events_age", "upload_events", ["occurred_at"])
    if "upload_webhooks" not in existing:
        op.create_table(
            "upload_webhooks",
            Column("url", text, primary_key=True),
            Column("version", BigInteger, nullable=False),
            Column("body", Text, nullable=False),
        )
