"""Quotas in memory, for tests."""

from __future__ import annotations

from dataclasses import replace

from ...domain.quota import QuotaLimits, Reservation, UserQuota


class MemoryQuotaRepository:
    """Keeps what each user has in this process."""

    def __init__(self) -> None:
        self._users: dict[str, UserQuota] = {}

    async def reserve(self, reservation: Reservation, limits: QuotaLimits) -> Reservation:
        """Add a reservation, unless there is one."""
        quota = await self.get(reservation.user_id)
        if (existing := quota.reservations.get(reservation.upload_id)) is not None:
            return existing
        usage = quota.usage.reserve(reservation)
        limits.require(usage)
        reserved = replace(reservation, period=usage.period)
        reservations = {**quota.reservations, reservation.upload_id: reserved}
        self._users[quota.user_id] = replace(quota, usage=usage, reservations=reservations)
        return reserved

    async def settle(self, user_id: str, upload_id: str, stored_bytes: int) -> bool:
        """Remove a reservation."""
        quota = await self.get(user_id)
        if (found := quota.reservations.get(upload_id)) is None:
            return False
        usage = quota.usage.settle(found, stored_bytes)
        others = {id_: other for id_, other in quota.reservations.items() if id_ != upload_id}
        self._users[user_id] = replace(quota, usage=usage, reservations=others)
        return True

    async def get(self, user_id: str) -> UserQuota:
        """Read what a user has."""
        return self._users.get(user_id, UserQuota(user_id=user_id))

    async def list_users(self, limit: int, after: str | None = None) -> list[UserQuota]:
        """Read users who have reservations."""
        found = sorted(user_id for user_id, quota in self._users.items() if quota.reservations)
        return [self._users[id_] for id_ in found if after is None or id_ > after][:limit]
