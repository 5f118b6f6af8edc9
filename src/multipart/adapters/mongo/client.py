"""The connection to MongoDB and what is asked of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any, Final

from beanie import init_beanie
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from ...application.ports import SessionRepository
from ...application.task_cancellation import cancel_tasks, close_in_time
from ...domain.errors import RepositoryUnavailableError
from .documents import PartDocument, SessionDocument
from .errors import ANSWER_SECONDS, answered
from .session_repository import MongoSessionRepository
from .uri import DEFAULT_DATABASE

INDEX_SECONDS: Final = 3600.0
RETRY_SECONDS: Final = 60.0
_MODELS: Final = (SessionDocument, PartDocument)
_logger = logging.getLogger(__name__)
# These win over the URI's own: what a method has returned for must survive a failover, and what
# is read to decide must be neither another node's past nor a write that may yet be rolled back.
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
}


@asynccontextmanager
async def open_mongo_sessions(
    uri: str, database: str | None = None
) -> AsyncIterator[SessionRepository]:
    """Yield a repository, and close its connections afterwards.

    Without `database` it is the one that the URI names, else `multipart`. Indexes on large
    collections are built while the repository is in use: it only answers more slowly. Raise
    RepositoryUnavailableError if MongoDB does not answer, and PyMongo's ConfigurationError for a
    URI that cannot be right.
    """
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, **_OPTIONS)
    building: asyncio.Task[None] | None = None
    try:
        chosen = client[database] if database else client.get_default_database(DEFAULT_DATABASE)
        with answered():
            await init_beanie(chosen, document_models=_MODELS, skip_indexes=True)
            await chosen.command("ping")
        building = asyncio.create_task(_build_indexes(chosen))
        # On most days there is nothing to build.
        await asyncio.wait({building}, timeout=ANSWER_SECONDS)
        yield MongoSessionRepository(
            sessions=chosen[SessionDocument.get_collection_name()],
            # Without time zones: to put one on each of 10,000 times takes as long as all else.
            parts=chosen.get_collection(
                PartDocument.get_collection_name(), codec_options=CodecOptions()
            ),
        )
    finally:
        if building is not None:
            await cancel_tasks([building])
        await close_in_time("MongoDB", client.close())


async def _build_indexes(database: AsyncDatabase[dict[str, Any]]) -> None:
    """Make the indexes that are missing, however often that fails: queries work without."""
    for model in _MODELS:
        indexes = list(getattr(model.Settings, "indexes", ()))
        while indexes:
            try:
                with answered(INDEX_SECONDS):
                    await database[model.get_collection_name()].create_indexes(indexes)
                break
            except RepositoryUnavailableError as exc:
                name = model.get_collection_name()
                _logger.warning("MongoDB built no indexes on %s: %s", name, exc.cause)
                await asyncio.sleep(RETRY_SECONDS)
