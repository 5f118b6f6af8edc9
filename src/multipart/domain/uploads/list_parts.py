"""List the parts of an upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import StoreUploadGoneError
from ..model import Part, PartState, SessionState, StoredPart, UploadSession
from ..ports import ObjectStore, SessionRepository
from .address import SessionAddress


@dataclass(frozen=True, slots=True)
class ListParts:
    """Give the session and the parts that are recorded or that only the store holds, by number.

    A part is `verified` where the store agrees. Raise SessionNotFoundError.
    """

    sessions: SessionRepository
    store: ObjectStore

    async def __call__(self, address: SessionAddress) -> tuple[UploadSession, Sequence[Part]]:
        session = await address.find_in(self.sessions)
        reported = await self.sessions.list_parts(session.id)
        if session.state is SessionState.COMPLETED:
            # The store has joined exactly these: nothing is left to ask it.
            return session, [replace(part, state=PartState.VERIFIED) for part in reported]
        return session, _merged(reported, await stored_parts(session, self.store))


async def stored_parts(session: UploadSession, store: ObjectStore) -> Sequence[StoredPart]:
    """Ask the store what it holds of a session; nothing once the upload has ended there."""
    if session.state.is_terminal or session.store_upload_id is None:
        return []
    try:
        return await store.list_parts(session.key, session.store_upload_id)
    except StoreUploadGoneError:
        return []


def _merged(reported: Sequence[Part], stored: Sequence[StoredPart]) -> list[Part]:
    held = {part.number: part for part in stored}
    merged = {part.number: Part.found(part) for part in stored}
    merged |= {part.number: part.checked_against(held.get(part.number)) for part in reported}
    return [merged[number] for number in sorted(merged)]
