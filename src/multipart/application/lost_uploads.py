"""Tell an upload that the object store has lost from one that it has completed."""

from __future__ import annotations

from contextlib import suppress

from ..domain.errors import StaleSessionError
from ..domain.session import StoredObject, UploadSession
from .ports import ObjectStore, SessionRepository


async def find_own_object(session: UploadSession, store: ObjectStore) -> StoredObject | None:
    """Return the finished object if this session made it.

    Our id and nonce in its metadata prove that; another object under the key is none of ours.
    """
    found = await store.head_object(session.key)
    if found is None or (found.upload_id, found.nonce) != (session.id, session.nonce):
        return None
    return found


async def mark_as_lost(
    session: UploadSession, sessions: SessionRepository, store: ObjectStore
) -> UploadSession:
    """Note that the store no longer knows an open upload, so that the next sign opens another.

    A lifecycle rule of the bucket may have aborted it, or the vendor's own expiry. Give the session
    as it is now: it may have been completed or ended meanwhile, which is no loss.
    """
    if session.state.is_open and await find_own_object(session, store) is None:
        with suppress(StaleSessionError):
            return await sessions.save(session.store_upload_lost())
    return await sessions.get(session.id)
