"""The session repository on a SQL database: SQLite in a file by default, or PostgreSQL."""

from .engine import list_pending_sql_migrations, migrate_sql_database, open_sql_sessions
from .session_repository import SqlSessionRepository

__all__ = [
    "SqlSessionRepository",
    "list_pending_sql_migrations",
    "migrate_sql_database",
    "open_sql_sessions",
]
