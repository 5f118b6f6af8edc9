"""Sign URLs on which a client PUTs many parts."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from ..domain.errors import FieldError, InvalidFieldError, InvalidFieldsError
from ..domain.part_rules import last_number
from ..domain.session import UploadSession
from .ports import SignedParts
from .session_reference import SessionReference
from .sign_part import SignPart

_FIELD: Final = "part_numbers"


@dataclass(frozen=True, slots=True)
class SignParts:
    """Sign parts of an open session: the numbers in `wanted`, or every part of the plan.

    By the rules of SignPart. A number that is wanted twice is signed once; InvalidFieldsError names
    all ranges that are wrong by their places.
    """

    sign_part: SignPart

    async def __call__(
        self, address: SessionReference, wanted: Sequence[range] | None
    ) -> SignedParts:
        session = await self.sign_part.signable(address)
        numbers = (
            _planned(session)
            if wanted is None
            else _checked(session, wanted, self.sign_part.policy.max_parts)
        )
        session = await self.sign_part.opened(session)
        return await self.sign_part.store.sign_parts(
            session.key,
            session.open_store_upload_id,
            numbers,
            expires_in=self.sign_part.url_life(session),
        )


def _planned(session: UploadSession) -> Sequence[int]:
    if session.plan is None:
        raise InvalidFieldError(
            _FIELD, "must be numbers: no size was declared, so none is the last"
        )
    return range(1, session.plan.part_count + 1)


def _checked(session: UploadSession, wanted: Sequence[range], max_parts: int) -> Sequence[int]:
    last = last_number(session, max_parts)
    wrong = [
        FieldError(f"{_FIELD}[{index}]", f"must be 1 to {last}, upwards")
        for index, numbers in enumerate(wanted)
        if not 1 <= numbers.start < numbers.stop <= last + 1
    ]
    if wrong:
        raise InvalidFieldsError(wrong)
    # Before they are written out: a few thousand times "1-10000" is a short request, too.
    if not 1 <= sum(map(len, wanted)) <= max_parts:
        raise InvalidFieldError(_FIELD, f"must be 1 to {max_parts} parts")
    # Two bytes each: they are kept until the client has read the last URL.
    return array("H", dict.fromkeys(chain.from_iterable(wanted)))
