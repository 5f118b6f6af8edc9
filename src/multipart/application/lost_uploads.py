"""Distinguish an upload that the object store has lost from one that it has completed."""

from __future__ import annotations

from contextlib import suppress

from ..domain.errors import StaleSessionError
from ..domain.session import StoredObject, UploadSession
from .ports import ObjectStore, SessionRepository


async def find_own_object(session: UploadSession, store: ObjectStore) -> StoredObject | None:
    """Return the finished object if this session made it.

    The session's id and nonce in the object's metadata prove it.
    """
    found = await store.head_object(session.key)
    if found is None or (found.upload_id, found.nonce) != (session.id, session.nonce):
        return None
    return found


async def mark_as_lost(
    session: UploadSession, sessions: SessionRepository, store: ObjectStore
) -> UploadSession:
    """Save an open session as lost, so that the next sign opens another store upload.

    A lifecycle rule of the bucket, or the vendor's own expiry, may have aborted it. Return the
    session as stored: if another caller has completed or ended it, it is not lost.
    """
    if session.state.is_open and await find_own_object(session, store) is None:
        with suppress(StaleSessionError):
            return await sessions.save(session.store_upload_lost(await sessions.now()))
    return await sessions.get(session.id)
