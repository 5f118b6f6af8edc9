"""An object store for multipart-upload in one SQLite file."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .server import StoreServer
from .signer import Signer
from .store import SqliteStore

__all__ = ["SqliteStore", "StoreServer", "open_from_environment", "open_store"]


@asynccontextmanager
async def open_store(file: Path, secret: str, public_url: str) -> AsyncIterator[SqliteStore]:
    """Open the file; create it if it does not exist. Clients reach the service at `public_url`."""
    store = SqliteStore(file, Signer(secret.encode(), public_url.rstrip("/")))
    await store.create_tables()
    yield store


@asynccontextmanager
async def open_from_environment() -> AsyncIterator[SqliteStore]:
    """Open the store that the environment describes: the entry point."""
    names = ("SQLITE_STORE_FILE", "SQLITE_STORE_SECRET", "SQLITE_STORE_PUBLIC_URL")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        msg = f"{', '.join(missing)}: required with OBJECT_STORE=sqlite"
        raise ValueError(msg)
    file, secret, public_url = (os.environ[name] for name in names)
    async with open_store(Path(file), secret, public_url) as store:
        yield store


# The service mounts it below /objects/. A store to which clients send bytes directly has none.
open_from_environment.serve = StoreServer  # type: ignore[attr-defined]
