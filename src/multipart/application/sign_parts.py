"""Sign URLs on which a client PUTs parts, one or many at a time."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from ..domain.errors import FieldError, InvalidFieldError, InvalidFieldsError
from ..domain.part_rules import last_number, require_part
from ..domain.policy import UploadPolicy
from ..domain.rate_limit import Unit
from ..domain.session import UploadSession
from ..domain.store_capabilities import StoreCapabilities
from .open_store_upload import OpenStoreUpload
from .ports import Clock, ObjectStore, SignedPart, SignedParts, UsageMeter
from .session_cache import SessionCache
from .session_reference import SessionReference

_FIELD: Final = "part_numbers"


@dataclass(frozen=True, slots=True)
class SignParts:
    """Sign parts of an open session, usually without a request to the repository or S3.

    If S3 has lost the upload, open another one first. No URL works past the session's maximum age.
    Raise SessionNotFoundError, TransitionError when the session is not open or has reached its
    maximum age, and InvalidFieldError for a part that is not in the plan. With a meter, raise
    RateLimitedError, and InvalidFieldError for more parts than its limit.
    """

    sessions: SessionCache
    store: ObjectStore
    open_store_upload: OpenStoreUpload
    policy: UploadPolicy
    clock: Clock
    meter: UsageMeter | None = None

    async def sign_one(
        self,
        reference: SessionReference,
        part_number: int,
        content_length: int | None = None,
        checksum: str | None = None,
    ) -> SignedPart:
        """Sign one part, for exactly its bytes in the plan.

        Without a plan, for `content_length` bytes, or for any number. With `checksum`, only bytes
        with that CRC-64/NVME are accepted if the store can check it.
        """
        session, now = await self._find_signable(reference)
        require_part(
            session,
            part_number,
            content_length,
            self.store.capabilities,
            size_field="content_length",
        )
        if self.meter is not None:
            await self.meter.count({Unit.URLS: 1})
        if session.is_lost:
            session, now = await self._reopen(session)
        return await self.store.sign_part(
            session.key,
            session.open_store_upload_id,
            part_number,
            expires_in=session.limit_url_lifetime(self.policy.url_lifetime, now),
            content_length=session.plan.size_of(part_number) if session.plan else content_length,
            checksum=checksum if self.store.capabilities.checks_parts else None,
        )

    async def sign_many(
        self, reference: SessionReference, ranges: Sequence[range] | None
    ) -> SignedParts:
        """Sign the parts in `ranges`, or every part of the plan; each number once.

        InvalidFieldsError names every wrong range by its index.
        """
        session, now = await self._find_signable(reference)
        if ranges is None:
            numbers = _list_planned(session)
        else:
            numbers = _list_numbers(session, ranges, self.store.capabilities)
        if self.meter is not None:
            _require_possible(self.meter, len(numbers))
            await self.meter.count({Unit.URLS: len(numbers)})
        if session.is_lost:
            session, now = await self._reopen(session)
        return await self.store.sign_parts(
            session.key,
            session.open_store_upload_id,
            numbers,
            expires_in=session.limit_url_lifetime(self.policy.url_lifetime, now),
            plan=session.plan,
        )

    async def _find_signable(self, reference: SessionReference) -> tuple[UploadSession, datetime]:
        """Return the session, and the time after it was read."""
        # From the cache: if the session has ended since, the store itself refuses the URLs.
        session = reference.require_match(await self.sessions.get_recent(reference.upload_id))
        session.require_open("sign a part of")
        now = self.clock.now()
        session.require_young("sign a part of", now)
        return session, now

    async def _reopen(self, session: UploadSession) -> tuple[UploadSession, datetime]:
        """Return the session with another upload in the store, and the time afterwards."""
        session = await self.open_store_upload(session)
        session.require_open("sign a part of")
        return session, self.clock.now()


def _require_possible(meter: UsageMeter, count: int) -> None:
    limit = meter.limit_of(Unit.URLS)
    if limit is not None and count > limit:
        raise InvalidFieldError(_FIELD, f"must be {limit} parts at most, by the rate limit")


def _list_planned(session: UploadSession) -> Sequence[int]:
    if session.plan is None:
        raise InvalidFieldError(
            _FIELD, "must be numbers: the upload has no declared size, so its last part is unknown"
        )
    return range(1, session.plan.part_count + 1)


def _list_numbers(
    session: UploadSession, ranges: Sequence[range], store: StoreCapabilities
) -> Sequence[int]:
    last = last_number(session, store)
    wrong = [
        FieldError(f"{_FIELD}[{index}]", f"must be 1 to {last}, in ascending order")
        for index, numbers in enumerate(ranges)
        if not 1 <= numbers.start < numbers.stop <= last + 1
    ]
    if wrong:
        raise InvalidFieldsError(wrong)
    # Before the numbers are listed: a short request can have "1-10000" a few thousand times.
    if not 1 <= sum(map(len, ranges)) <= store.max_part_count:
        raise InvalidFieldError(_FIELD, f"must be 1 to {store.max_part_count} parts")
    # Two bytes each: they are kept until the client has read the last URL.
    return array("H", dict.fromkeys(chain.from_iterable(ranges)))
