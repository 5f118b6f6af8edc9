"""Create the tables of sessions and parts."""

from __future__ import annotations

from typing import Final

from alembic.operations import Operations
from sqlalchemy import JSON, BigInteger, Column, Integer, Text

revision: Final = "0001"
down_revision: Final = None
is_additive: Final = True

_INDEXES: Final = {
    "upload_sessions_user_state": ["user_id", "state", "created_at", "id"],
    "upload_sessions_user": ["user_id", "created_at", "id"],
    "upload_sessions_due": ["due_at", "id"],
    "upload_sessions_retained": ["retained_until"],
}


def upgrade(op: Operations) -> None:
    """Create what is missing: a database from before migrations has some or all of it."""
    text_by_code_point = Text().with_variant(Text(collation="C"), "postgresql")
    op.create_table(
        "upload_sessions",
        Column("id", text_by_code_point, primary_key=True),
        Column("user_id", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("filename", Text, nullable=False),
        Column("content_type", Text, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("active_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("metadata", JSON, nullable=False),
        Column("plan_size", BigInteger),
        Column("plan_part_size", BigInteger),
        Column("plan_part_count", Integer),
        Column("state", Text, nullable=False),
        Column("store_upload_id", Text),
        Column("abort_date", BigInteger),
        Column("lease_holder", Text),
        Column("lease_deadline", BigInteger),
        Column("ending", Text),
        Column("result_location", Text),
        Column("result_etag", Text),
        Column("result_size", BigInteger),
        Column("result_upload_id", Text),
        Column("retained_until", BigInteger),
        Column("due_at", BigInteger),
        Column("version", BigInteger, nullable=False),
        if_not_exists=True,
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "upload_sessions", columns, if_not_exists=True)
    op.create_table(
        "upload_parts",
        Column("upload_id", text_by_code_point, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("etag", Text, nullable=False),
        Column("size", BigInteger),
        Column("recorded_at", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
