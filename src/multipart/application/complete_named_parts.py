"""Join the parts that the client itself lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..domain.errors import PartsMissingError, PartsUnnamedError
from ..domain.part import Part, bare_etag
from ..domain.session import DISCARDED_STATES, SessionState, UploadSession
from .complete_upload import CompleteUpload
from .list_parts import ListParts
from .session_reference import SessionReference


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A part as the client means it; the ETag may be quoted or bare."""

    number: int
    etag: str


@dataclass(frozen=True, slots=True)
class CompleteNamedParts:
    """Join the parts if they are exactly those that the client names, in whatever order.

    So a completed session answers the same list with the same result, and another one not at all.
    Raise PartsMissingError for parts that are not there or have another ETag, PartsUnnamedError
    for parts that are there and would get into the object unasked, and what CompleteUpload raises.
    """

    list_parts: ListParts
    complete: CompleteUpload

    async def __call__(
        self, address: SessionReference, named: Sequence[NamedPart]
    ) -> UploadSession:
        session, parts = await self.list_parts(address)
        # Of what was thrown away no list is right; CompleteUpload says so.
        if session.state not in DISCARDED_STATES:
            _require_same(session.state, named, parts)
        return await self.complete(address)


def _require_same(state: SessionState, named: Sequence[NamedPart], parts: Sequence[Part]) -> None:
    etags = {part.number: part.etag for part in parts}
    numbers = {part.number for part in named}
    missing = sorted(numbers - etags.keys())
    mismatched = sorted(
        {part.number for part in named if etags.get(part.number) != bare_etag(part.etag)}
        - set(missing)
    )
    if missing or mismatched:
        raise PartsMissingError(state, missing, mismatched)
    if unnamed := sorted(etags.keys() - numbers):
        raise PartsUnnamedError(state, unnamed)
