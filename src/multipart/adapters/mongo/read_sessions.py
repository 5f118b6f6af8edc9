"""Read session documents; one that cannot be read fails only a read of itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from pymongo.asynchronous.collection import AsyncCollection

from ...domain.errors import StoredSessionUnreadableError
from ...domain.session import UploadSession
from .documents import SessionDocument

_logger = logging.getLogger(__name__)


def to_session(found: Mapping[str, Any]) -> UploadSession:
    """Return the session in a document. Raise StoredSessionUnreadableError, and log why."""
    try:
        document: SessionDocument = SessionDocument.model_validate(found)
    except ValidationError as exc:
        upload_id = str(found["_id"])
        # The names only: values may be a client's.
        fields = sorted({str(error["loc"][0]) for error in exc.errors(include_input=False)})
        _logger.error(  # noqa: TRY400  # the traceback shows values
            "Cannot read the stored session of upload %s (wrong or missing: %s)",
            upload_id,
            ", ".join(fields),
        )
        raise StoredSessionUnreadableError(upload_id) from None
    return document.to_domain()


def to_sessions(found: Iterable[Mapping[str, Any]]) -> list[UploadSession]:
    """Return the sessions in documents, without those that cannot be read."""
    sessions = []
    for document in found:
        with suppress(StoredSessionUnreadableError):
            sessions.append(to_session(document))
    return sessions


async def find_sessions(
    collection: AsyncCollection[dict[str, Any]],
    where: Mapping[str, Any],
    order: Sequence[tuple[str, int]],
    limit: int,
) -> list[UploadSession]:
    """Return the first `limit` sessions in this order that can be read, fewer at the end only."""
    sessions: list[UploadSession] = []
    read = 0
    while len(sessions) < limit:
        wanted = limit - len(sessions)
        found = await collection.find(where).sort(order).skip(read).limit(wanted).to_list()
        sessions += to_sessions(found)
        read += len(found)
        if len(found) < wanted:
            break
    return sessions
