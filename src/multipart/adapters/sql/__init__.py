"""The session repository on a SQL database: SQLite in a file by default, or PostgreSQL."""

from .api_keys import SqlApiKeyRepository, open_sql_api_keys
from .engine import list_pending_sql_migrations, migrate_sql_database, open_sql_sessions
from .events import SqlEventRepository, open_sql_events
from .quotas import SqlQuotaRepository, open_sql_quotas
from .receipt_keys import SqlReceiptKeyRepository, open_sql_receipt_keys
from .session_repository import SqlSessionRepository

__all__ = [
    "SqlApiKeyRepository",
    "SqlEventRepository",
    "SqlQuotaRepository",
    "SqlReceiptKeyRepository",
    "SqlSessionRepository",
    "list_pending_sql_migrations",
    "migrate_sql_database",
    "open_sql_api_keys",
    "open_sql_events",
    "open_sql_quotas",
    "open_sql_receipt_keys",
    "open_sql_sessions",
]
