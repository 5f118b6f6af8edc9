"""Compare reservations with open uploads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ..domain.quota import QuotaLimits, Reservation
from ..domain.session import UploadSession
from .ports import QuotaRepository, SessionRepository
from .sweep.settle_quotas import SettleQuotas, StaleReservation

_PAGE: Final = 200
_END_OF_TIME: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class QuotaAudit:
    """Reservations without an open upload, and open uploads without a reservation."""

    stale: list[StaleReservation]
    missing: list[Reservation]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.stale and not self.missing


@dataclass(frozen=True, slots=True)
class AuditQuotas:
    """Find differences, which the sweep does not: uploads from before there were quotas.

    Uploads that start or end meanwhile may be listed, but are not repaired.
    """

    sessions: SessionRepository
    quotas: QuotaRepository
    settle: SettleQuotas
    limits: QuotaLimits

    async def __call__(self, *, repair: bool) -> QuotaAudit:
        """Return what was found. With `repair`, settle and reserve it, beyond limits too."""
        now = await self.sessions.now()
        stale = [found async for found in self.settle.find_stale(now)]
        missing = [found async for found in self._find_missing(now)]
        if repair:
            for found in stale:
                reservation = found.reservation
                await self.quotas.settle(
                    reservation.user_id, reservation.upload_id, found.stored_bytes
                )
            for reservation in missing:
                await self.quotas.reserve(reservation, QuotaLimits())
        return QuotaAudit(stale, missing)

    async def _find_missing(self, now: datetime) -> AsyncIterator[Reservation]:
        async for session in self._open_sessions():
            quota = await self.quotas.get(session.user_id)
            if session.id not in quota.reservations:
                yield self.limits.reservation_for(session, now)

    async def _open_sessions(self) -> AsyncIterator[UploadSession]:
        after = None
        while page := await self.sessions.find_due(_END_OF_TIME, _PAGE, after):
            for session in page:
                yield session
            after = (page[-1].due_at or _END_OF_TIME, page[-1].id)
