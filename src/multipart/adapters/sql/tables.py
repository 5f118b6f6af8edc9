"""The tables. Times are milliseconds since 1970 in UTC, which every database keeps exactly."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, Table, Text

SCHEMA: Final = MetaData()

# Ids are compared by code point, as SQLite does; PostgreSQL would use the server's language.
_ID: Final = Text().with_variant(Text(collation="C"), "postgresql")

SESSIONS: Final = Table(
    "upload_sessions",
    SCHEMA,
    Column("id", _ID, primary_key=True),
    Column("nonce", Text),
    Column("user_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("active_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("closes_at", BigInteger),
    Column("metadata", JSON, nullable=False),
    Column("plan_size", BigInteger),
    Column("plan_part_size", BigInteger),
    Column("plan_part_count", Integer),
    Column("max_size", BigInteger),
    Column("refused_size", BigInteger),
    Column("checksum", Text),
    Column("refused_checksum", Text),
    Column("state", Text, nullable=False),
    Column("store_upload_id", Text),
    Column("abort_date", BigInteger),
    Column("lease_holder", Text),
    Column("lease_deadline", BigInteger),
    Column("token_id", Text),
    Column("token_expires_at", BigInteger),
    Column("start_key", Text),
    Column("detected_type", Text),
    # 0 or 1.
    Column("is_type_mismatch", Integer),
    Column("ending", Text),
    Column("result_location", Text),
    Column("result_etag", Text),
    Column("result_size", BigInteger),
    Column("result_upload_id", Text),
    Column("result_nonce", Text),
    Column("result_checksum", Text),
    Column("retained_until", BigInteger),
    Column("due_at", BigInteger),
    Column("version", BigInteger, nullable=False),
    # A user's list, in its order, with and without states; then the sweep's two scans.
    Index("upload_sessions_user_state", "user_id", "state", "created_at", "id"),
    Index("upload_sessions_user", "user_id", "created_at", "id"),
    Index("upload_sessions_due", "due_at", "id"),
    Index("upload_sessions_retained", "retained_until"),
)

# No foreign key: the statement that reports parts checks the session itself.
PARTS: Final = Table(
    "upload_parts",
    SCHEMA,
    Column("upload_id", _ID, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("etag", Text, nullable=False),
    Column("size", BigInteger),
    Column("recorded_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    # Stores each row once, and the parts of a session next to each other, in order.
    sqlite_with_rowid=False,
)

QUOTAS: Final = Table(
    "upload_quotas",
    SCHEMA,
    Column("user_id", _ID, primary_key=True),
    Column("open_uploads", BigInteger, nullable=False),
    Column("open_bytes", BigInteger, nullable=False),
    Column("period", BigInteger, nullable=False),
    Column("period_bytes", BigInteger, nullable=False),
)

RESERVATIONS: Final = Table(
    "upload_reservations",
    SCHEMA,
    Column("user_id", _ID, primary_key=True),
    Column("upload_id", _ID, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("period", BigInteger, nullable=False),
    Column("reserved_at", BigInteger, nullable=False),
)

# Events that no process has collected yet, stored in the transaction of their session.
OUTBOX: Final = Table(
    "upload_outbox",
    SCHEMA,
    Column("event_id", _ID, primary_key=True),
    Column("occurred_at", BigInteger, nullable=False),
    # Of the session that the event is of: two events may have the same time.
    Column("version", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("upload_outbox_order", "occurred_at", "version"),
)

EVENTS: Final = Table(
    "upload_events",
    SCHEMA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("upload_events_user", "user_id", "sequence"),
    Index("upload_events_age", "occurred_at"),
)

WEBHOOKS: Final = Table(
    "upload_webhooks",
    SCHEMA,
    Column("url", _ID, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

API_KEYS: Final = Table(
    "upload_api_keys",
    SCHEMA,
    # SHA-256 in hexadecimal.
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    # Separated by spaces.
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

# One row: the key that signs receipts, unless the settings give one.
RECEIPT_KEYS: Final = Table(
    "upload_receipt_keys",
    SCHEMA,
    Column("id", Text, primary_key=True),
    Column("pem", Text, nullable=False),
)
