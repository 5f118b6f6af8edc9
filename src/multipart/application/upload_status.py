"""Read the progress of an upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..domain.part import Part, PartState
from ..domain.reconciliation import expected_numbers
from ..domain.session import UploadSession
from .list_parts import ListParts
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadStatus:
    """The progress of an upload.

    `parts` are those recorded or held by the store. `missing_parts` are the numbers still to
    upload; None unless the session is open.
    """

    session: UploadSession
    parts: Sequence[Part]
    missing_parts: Sequence[int] | None

    @property
    def bytes_verified(self) -> int:
        """Bytes that the store has confirmed."""
        if self.session.result is not None:
            return self.session.result.size
        return sum(part.size or 0 for part in self.parts if part.state is PartState.VERIFIED)


@dataclass(frozen=True, slots=True)
class GetUploadStatus:
    """Compare the session with the store. Raise SessionNotFoundError."""

    list_parts: ListParts

    async def __call__(self, reference: SessionReference) -> UploadStatus:
        session, parts = await self.list_parts(reference)
        verified = {part.number for part in parts if part.state is PartState.VERIFIED}
        known = {part.number for part in parts}
        missing = [
            number for number in expected_numbers(session.plan, known) if number not in verified
        ]
        return UploadStatus(
            session=session,
            parts=parts,
            missing_parts=missing if session.state.is_open else None,
        )
