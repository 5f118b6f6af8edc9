"""The session repository on a SQL database: SQLite in a file by default, or PostgreSQL."""

from .engine import open_sql_sessions
from .session_repository import SqlSessionRepository

__all__ = ["SqlSessionRepository", "open_sql_sessions"]
