"""The connection to MongoDB and what is asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any, Final

from beanie import init_beanie
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient

from ...application.ports import SessionRepository
from ...application.task_cancellation import close_in_time
from .documents import PartDocument, SessionDocument
from .errors import answered
from .session_repository import MongoSessionRepository

DEFAULT_DATABASE: Final = "multipart"
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


async def open_mongo_sessions(
    uri: str, database: str | None = None
) -> AsyncIterator[SessionRepository]:
    """Yield a repository with its indexes in place, and close its connections afterwards.

    Without `database` it is the one that the URI names, else `multipart`. Raise
    RepositoryUnavailableError if MongoDB does not answer, and PyMongo's ConfigurationError for a
    URI that cannot be right.
    """
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, **_OPTIONS)
    try:
        chosen = client[database] if database else client.get_default_database(DEFAULT_DATABASE)
        with answered():
            await init_beanie(chosen, document_models=[SessionDocument, PartDocument])
        yield MongoSessionRepository(
            sessions=chosen[SessionDocument.get_collection_name()],
            # Without time zones: to put one on each of 10,000 times takes as long as all else.
            parts=chosen.get_collection(
                PartDocument.get_collection_name(), codec_options=CodecOptions()
            ),
        )
    finally:
        await close_in_time("MongoDB", client.close())
