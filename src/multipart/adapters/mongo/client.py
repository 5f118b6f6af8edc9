"""The connection to MongoDB and its options."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any, Final

from beanie import init_beanie
from pymongo import AsyncMongoClient, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from ...application.ports import SessionRepository
from ...application.task_cancellation import cancel_tasks, close_in_time
from ...domain.errors import RepositoryUnavailableError
from .documents import PartDocument, SessionDocument
from .errors import ANSWER_SECONDS, INDEX_SECONDS, translate_errors
from .session_repository import MongoSessionRepository
from .uri import DEFAULT_DATABASE

RETRY_SECONDS: Final = 60.0
_MODELS: Final = (SessionDocument, PartDocument)
_logger = logging.getLogger(__name__)
# These override the options of the URI. A write that has returned must survive a failover. A read
# that decides must see neither a secondary's older data nor a write that may be rolled back.
_OPTIONS: Final[dict[str, Any]] = {
    "w": "majority",
    "journal": True,
    "retryWrites": True,
    "retryReads": True,
    "readConcernLevel": "majority",
    "readPreference": "primary",
    "serverSelectionTimeoutMS": 3000,
    "tz_aware": True,
    "tzinfo": UTC,
    # One document with a broken text or a time beyond the year 9999 must not fail a whole batch.
    "datetime_conversion": "DATETIME_AUTO",
    "unicode_decode_error_handler": "replace",
}
_INDEX_CONFLICTS: Final = frozenset({"IndexOptionsConflict", "IndexKeySpecsConflict"})


@asynccontextmanager
async def open_mongo_sessions(
    uri: str, database: str | None = None
) -> AsyncIterator[SessionRepository]:
    """Yield a repository, and close its connections afterwards.

    The database is `database`, else the one in the URI, else `multipart`. Indexes on large
    collections are built while the repository is in use; until then some queries are slower. Raise
    RepositoryUnavailableError if MongoDB does not answer, and PyMongo's ConfigurationError for a
    URI that cannot be right.
    """
    async with open_database(uri, database) as chosen:
        with translate_errors():
            await init_beanie(chosen, document_models=_MODELS, skip_indexes=True)
        building = asyncio.create_task(_build_indexes(chosen))
        try:
            # Nearly always the indexes exist already.
            await asyncio.wait({building}, timeout=ANSWER_SECONDS)
            options = chosen.client.codec_options.with_options(tz_aware=False, tzinfo=None)
            yield MongoSessionRepository(
                sessions=chosen[SessionDocument.get_collection_name()],
                # Without time zones: adding one to 10,000 times doubles the time to list them.
                parts=chosen.get_collection(
                    PartDocument.get_collection_name(), codec_options=options
                ),
            )
        finally:
            await cancel_tasks([building])


@asynccontextmanager
async def open_database(
    uri: str, database: str | None
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """Connect to the database that `open_mongo_sessions` describes, and close the connection."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, **_OPTIONS)
    try:
        chosen = client[database] if database else client.get_default_database(DEFAULT_DATABASE)
        with translate_errors():
            await chosen.command("ping")
        yield chosen
    finally:
        await close_in_time("MongoDB", client.close())


async def _build_indexes(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Create missing indexes, and retry until that succeeds: queries work without them.

    Creating an index that exists changes nothing. Indexes of earlier releases stay, because
    replicas of that release may still run.
    """
    for model in _MODELS:
        collection = database[model.get_collection_name()]
        for index in getattr(model.Settings, "indexes", ()):
            await _build_index(collection, index)


async def _build_index(collection: AsyncCollection[dict[str, Any]], index: IndexModel) -> None:
    is_built = False
    while not is_built:
        try:
            with translate_errors(INDEX_SECONDS):
                await collection.create_indexes([index])
            is_built = True
        except RepositoryUnavailableError as exc:
            _logger.warning("MongoDB built no index on %s: %s", collection.name, exc.cause)
            # An operator's index on the same fields serves as well; a retry would change nothing.
            if exc.cause in _INDEX_CONFLICTS:
                return
            await asyncio.sleep(RETRY_SECONDS)
