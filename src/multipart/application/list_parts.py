"""List the parts of an upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..domain.errors import StoreUploadGoneError
from ..domain.part import Part, PartState, StoredPart
from ..domain.session import SessionState, UploadSession
from .lost_uploads import mark_as_lost
from .ports import ObjectStore, SessionRepository
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True)
class ListParts:
    """Return the session and its parts, recorded or only in the store, by ascending number.

    A part is `verified` if the store agrees with it. If the store has lost the upload, there are
    none, and the session is saved as lost. Raise SessionNotFoundError.
    """

    sessions: SessionRepository
    store: ObjectStore

    async def __call__(self, reference: SessionReference) -> tuple[UploadSession, Sequence[Part]]:
        session = await reference.find_in(self.sessions)
        reported = await self.sessions.list_parts(session.id)
        stored: Sequence[StoredPart] = []
        try:
            if session.store_upload_id is not None and not session.state.is_terminal:
                stored = await self.store.list_parts(session.key, session.store_upload_id)
        except StoreUploadGoneError:
            session = await mark_as_lost(session, self.sessions, self.store)
        return session, _select_parts(session, reported, stored)


def _select_parts(
    session: UploadSession, reported: Sequence[Part], stored: Sequence[StoredPart]
) -> Sequence[Part]:
    if session.state is SessionState.COMPLETED:
        # The object was made of exactly these; the store no longer lists them.
        return [replace(part, state=PartState.VERIFIED) for part in reported]
    return [] if session.is_lost else _merge_parts(reported, stored)


def _merge_parts(reported: Sequence[Part], stored: Sequence[StoredPart]) -> list[Part]:
    held = {part.number: part for part in stored}
    merged = {part.number: Part.found(part) for part in stored}
    merged |= {part.number: part.verify_against(held.get(part.number)) for part in reported}
    return [merged[number] for number in sorted(merged)]
