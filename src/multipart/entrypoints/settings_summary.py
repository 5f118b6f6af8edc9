"""Which database and bucket are in use, for an operator: settings and hosts, no secrets."""

from __future__ import annotations

from ..domain.errors import RepositoryUnavailableError, UnavailableError
from ..session_database import choose_database
from ..settings import Settings
from ..stores import choose_store


def describe_settings(settings: Settings) -> str:
    """Describe database, bucket, credentials and authentication in one line."""
    database, store = choose_database(settings), choose_store(settings)
    return (
        f"database: {database.description}; bucket: {store.description}; "
        f"credentials: {store.credentials}; callers: {_callers(settings)}"
    )


def explain_outage(reason: UnavailableError, settings: Settings) -> str:
    """Name the database or bucket that is unavailable, its setting, and the reason."""
    is_database = isinstance(reason, RepositoryUnavailableError)
    chosen = choose_database(settings) if is_database else choose_store(settings)
    return f"{chosen.description}: {reason.cause or reason}"


def _callers(settings: Settings) -> str:
    if settings.auth_methods:
        return f"{', '.join(settings.auth_methods)} (AUTH)"
    companion = settings.companion_user_header
    if companion is None:
        return f"not authenticated, /s3 as {settings.companion_user_id} (COMPANION_USER_ID)"
    return f"not authenticated, /s3 by the header {companion} (COMPANION_USER_HEADER)"
