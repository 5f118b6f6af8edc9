"""Record that a client has uploaded many parts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..domain.errors import FieldError, InvalidFieldError, InvalidFieldsError
from ..domain.part import Part
from ..domain.part_rules import require_part
from ..domain.session import UploadSession
from .record_part import RecordedPart, RecordPart
from .session_reference import SessionReference

_CHUNK: Final = 1000
"""Parts that are checked in one go, in 2 ms: between two the event loop serves others."""


@dataclass(frozen=True, slots=True)
class PartReport:
    """What a client says of a part that the store has taken; `size` in bytes if it knows."""

    number: int
    etag: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class RecordParts:
    """Record parts of an open session in order; the last report of a number wins.

    By the rules of RecordPart; all parts are checked before any is stored, and InvalidFieldsError
    names all that are wrong by their places.
    """

    record_part: RecordPart

    async def __call__(
        self, address: SessionReference, reports: Iterable[PartReport]
    ) -> RecordedPart:
        session = await self.record_part.recordable(address)
        now = self.record_part.clock.now()
        max_parts = self.record_part.policy.max_parts
        parts = await _checked(session, reports, max_parts, now)
        return await self.record_part.taken(session, parts, now)


async def _checked(
    session: UploadSession, reports: Iterable[PartReport], max_parts: int, now: datetime
) -> list[Part]:
    parts: list[Part] = []
    wrong: list[FieldError] = []
    for index, report in enumerate(reports):
        try:
            require_part(
                session,
                report.number,
                report.size,
                max_parts,
                number_field=f"parts[{index}].part_number",
                size_field=f"parts[{index}].size",
            )
        except InvalidFieldError as exc:
            wrong += exc.wrong
        parts.append(Part.reported(report.number, report.etag, report.size, now))
        if index % _CHUNK == _CHUNK - 1:
            await asyncio.sleep(0)
    if wrong:
        raise InvalidFieldsError(wrong)
    return parts
