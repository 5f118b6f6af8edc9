"""Settle reservations whose upload has ended or was never stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ...domain.policy import UploadPolicy
from ...domain.quota import Reservation, UserQuota, stored_bytes
from ..ports import QuotaRepository, SessionRepository

_USERS: Final = 50
_SESSIONS: Final = 500


@dataclass(frozen=True, slots=True)
class StaleReservation:
    """A reservation of no open upload, and how many bytes that upload has stored."""

    reservation: Reservation
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class SettleQuotas:
    """Settle what processes that died have left; any number of processes may do so at once."""

    sessions: SessionRepository
    quotas: QuotaRepository
    policy: UploadPolicy

    async def __call__(self, now: datetime) -> int:
        """Settle stale reservations. Return how many."""
        settled = 0
        async for stale in self.find_stale(now):
            found = stale.reservation
            settled += await self.quotas.settle(found.user_id, found.upload_id, stale.stored_bytes)
        return settled

    async def find_stale(self, now: datetime) -> AsyncIterator[StaleReservation]:
        """Yield the stale reservations of all users.

        Not recent ones: their session may be about to be stored.
        """
        before = now - max(self.policy.grace, self.policy.lease)
        after = None
        while page := await self.quotas.list_users(_USERS, after):
            for user in page:
                for batch in _old_reservations(user, before):
                    for stale in await self._compare(batch):
                        yield stale
            after = page[-1].user_id

    async def _compare(self, batch: Sequence[Reservation]) -> list[StaleReservation]:
        found = await self.sessions.get_many([reservation.upload_id for reservation in batch])
        by_id = {session.id: session for session in found}
        stale = []
        for reservation in batch:
            session = by_id.get(reservation.upload_id)
            if session is None:
                stale.append(StaleReservation(reservation, stored_bytes=0))
            elif session.state.is_terminal:
                stale.append(StaleReservation(reservation, stored_bytes(session)))
        return stale


def _old_reservations(user: UserQuota, before: datetime) -> list[Sequence[Reservation]]:
    old = [found for found in user.reservations.values() if found.reserved_at < before]
    return [old[start : start + _SESSIONS] for start in range(0, len(old), _SESSIONS)]
