"""Choose the session database from the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from .application.ports import (
    ApiKeyRepository,
    EventRepository,
    QuotaRepository,
    ReceiptKeyRepository,
    SessionRepository,
)
from .plugins import SESSION_REPOSITORIES, load_adapter
from .settings import Settings


@dataclass(frozen=True, slots=True)
class SessionDatabase:
    """The database that the settings choose.

    `description` names its setting, server and database, without user and password.
    `open_api_keys`, `open_quotas`, `open_events` and `open_receipt_keys` are None for the adapter
    of another package, which stores sessions only. `migrate` and `list_pending_migrations` return
    the names of migrations; they are None for a database without migrations.
    """

    description: str
    open: Callable[[], AbstractAsyncContextManager[SessionRepository]]
    open_api_keys: Callable[[], AbstractAsyncContextManager[ApiKeyRepository]] | None = None
    open_quotas: Callable[[], AbstractAsyncContextManager[QuotaRepository]] | None = None
    open_events: Callable[[], AbstractAsyncContextManager[EventRepository]] | None = None
    open_receipt_keys: Callable[[], AbstractAsyncContextManager[ReceiptKeyRepository]] | None = None
    migrate: Callable[[], Awaitable[list[str]]] | None = None
    list_pending_migrations: Callable[[], Awaitable[list[str]]] | None = None


def choose_database(settings: Settings) -> SessionDatabase:
    """Choose SESSION_REPOSITORY if set, else MONGO_URI, else DATABASE_URL.

    Raise ValueError, naming the setting, if none is set or its value can never work. Only the
    chosen adapter is imported: the other one would cost every start 0.3 s.
    """
    if settings.session_repository is not None:
        return _choose_plugin(settings.session_repository)
    if settings.mongo_uri is not None:
        return _choose_mongo(settings.mongo_uri.get_secret_value(), settings.mongo_database)
    if settings.database_url is not None:
        return _choose_sql(settings.database_url.get_secret_value())
    msg = (
        "MONGO_URI or DATABASE_URL: set one, such as mongodb://HOST:27017/multipart; on one "
        "machine a file is enough: DATABASE_URL=sqlite+aiosqlite:///multipart.db"
    )
    raise ValueError(msg)


def _choose_plugin(name: str) -> SessionDatabase:
    return SessionDatabase(f"{name} (SESSION_REPOSITORY)", load_adapter(SESSION_REPOSITORIES, name))


def _choose_mongo(uri: str, name: str | None) -> SessionDatabase:
    from .adapters.mongo import (
        open_mongo_api_keys,
        open_mongo_events,
        open_mongo_quotas,
        open_mongo_receipt_keys,
        open_mongo_sessions,
    )
    from .adapters.mongo.uri import check_mongo_uri, describe_mongo_database

    check_mongo_uri(uri)
    return SessionDatabase(
        f"{describe_mongo_database(uri, name)} (MONGO_URI)",
        partial(open_mongo_sessions, uri, name),
        partial(open_mongo_api_keys, uri, name),
        partial(open_mongo_quotas, uri, name),
        partial(open_mongo_events, uri, name),
        partial(open_mongo_receipt_keys, uri, name),
    )


def _choose_sql(url: str) -> SessionDatabase:
    from .adapters import sql
    from .adapters.sql.engine import describe_sql_database, open_database, parse_database_url

    parsed = parse_database_url(url)
    open_database(parsed)  # loads the driver, and connects to nothing
    return SessionDatabase(
        f"{describe_sql_database(parsed)} (DATABASE_URL)",
        partial(sql.open_sql_sessions, url),
        partial(sql.open_sql_api_keys, url),
        partial(sql.open_sql_quotas, url),
        partial(sql.open_sql_events, url),
        partial(sql.open_sql_receipt_keys, url),
        partial(sql.migrate_sql_database, url),
        partial(sql.list_pending_sql_migrations, url),
    )
