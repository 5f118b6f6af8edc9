"""Quotas in SQL tables: a row of totals for each user, and one for each reservation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ...domain.quota import QuotaLimits, QuotaUsage, Reservation, UserQuota
from .database import Database
from .engine import open_current_database
from .inserts import insert_if_new
from .rows import from_milliseconds, to_milliseconds
from .tables import QUOTAS, RESERVATIONS


@asynccontextmanager
async def open_sql_quotas(url: str) -> AsyncIterator[SqlQuotaRepository]:
    """Open the quotas of a database, with connections of their own. Raises as open_sql_sessions."""
    async with open_current_database(url) as database:
        yield SqlQuotaRepository(database)


@dataclass(frozen=True, slots=True)
class SqlQuotaRepository:
    """Locks the row of the user for each change."""

    database: Database

    async def reserve(self, reservation: Reservation, limits: QuotaLimits) -> Reservation:
        """Add a reservation, unless there is one."""

        async def work(connection: AsyncConnection) -> Reservation:
            usage = await self._lock(connection, reservation.user_id)
            existing = await _find(connection, reservation.user_id, reservation.upload_id)
            if existing is not None:
                return existing
            after = usage.reserve(reservation)
            limits.require(after)
            reserved = replace(reservation, period=after.period)
            await connection.execute(insert(RESERVATIONS).values(_to_row(reserved)))
            await _save(connection, reservation.user_id, after)
            return reserved

        return await self.database.transact(work)

    async def settle(self, user_id: str, upload_id: str, stored_bytes: int) -> bool:
        """Remove a reservation."""

        async def work(connection: AsyncConnection) -> bool:
            usage = await self._lock(connection, user_id)
            existing = await _find(connection, user_id, upload_id)
            if existing is None:
                return False
            await connection.execute(delete(RESERVATIONS).where(_is(user_id, upload_id)))
            await _save(connection, user_id, usage.settle(existing, stored_bytes))
            return True

        return await self.database.transact(work)

    async def get(self, user_id: str) -> UserQuota:
        """Read what a user has."""
        rows = await self.database.read(select(QUOTAS).where(QUOTAS.c.user_id == user_id))
        (quota,) = await self._with_reservations(rows) or [UserQuota(user_id=user_id)]
        return quota

    async def list_users(self, limit: int, after: str | None = None) -> list[UserQuota]:
        """Read users who have reservations."""
        users = select(QUOTAS).where(QUOTAS.c.open_uploads > 0).order_by("user_id").limit(limit)
        if after is not None:
            users = users.where(QUOTAS.c.user_id > after)
        return await self._with_reservations(await self.database.read(users))

    async def _with_reservations(self, rows: Sequence[RowMapping]) -> list[UserQuota]:
        users = [row["user_id"] for row in rows]
        found = await self.database.read(
            select(RESERVATIONS).where(RESERVATIONS.c.user_id.in_(users))
        )
        reservations: dict[str, dict[str, Reservation]] = {user_id: {} for user_id in users}
        for row in found:
            reservations[row["user_id"]][row["upload_id"]] = _to_reservation(row)
        return [
            UserQuota(
                user_id=row["user_id"],
                usage=_to_usage(row),
                reservations=reservations[row["user_id"]],
            )
            for row in rows
        ]

    async def _lock(self, connection: AsyncConnection, user_id: str) -> QuotaUsage:
        """Lock the row of a user, and make it if there is none."""
        new = _usage_row(user_id, QuotaUsage())
        await connection.execute(insert_if_new(self.database, QUOTAS, new, "user_id"))
        row = select(QUOTAS).where(QUOTAS.c.user_id == user_id).with_for_update()
        return _to_usage((await connection.execute(row)).mappings().one())


async def _find(connection: AsyncConnection, user_id: str, upload_id: str) -> Reservation | None:
    found = await connection.execute(select(RESERVATIONS).where(_is(user_id, upload_id)))
    row = found.mappings().one_or_none()
    return None if row is None else _to_reservation(row)


async def _save(connection: AsyncConnection, user_id: str, usage: QuotaUsage) -> None:
    changed = update(QUOTAS).where(QUOTAS.c.user_id == user_id)
    await connection.execute(changed.values(_usage_row(user_id, usage)))


def _is(user_id: str, upload_id: str) -> Any:
    return (RESERVATIONS.c.user_id == user_id) & (RESERVATIONS.c.upload_id == upload_id)


def _to_row(reservation: Reservation) -> dict[str, Any]:
    return {
        "user_id": reservation.user_id,
        "upload_id": reservation.upload_id,
        "size": reservation.size,
        "period": to_milliseconds(reservation.period),
        "reserved_at": to_milliseconds(reservation.reserved_at),
    }


def _to_reservation(row: RowMapping) -> Reservation:
    return Reservation(
        upload_id=row["upload_id"],
        user_id=row["user_id"],
        size=row["size"],
        period=from_milliseconds(row["period"]),
        reserved_at=from_milliseconds(row["reserved_at"]),
    )


def _usage_row(user_id: str, usage: QuotaUsage) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "open_uploads": usage.open_uploads,
        "open_bytes": usage.open_bytes,
        "period": to_milliseconds(usage.period),
        "period_bytes": usage.period_bytes,
    }


def _to_usage(row: RowMapping) -> QuotaUsage:
    return QuotaUsage(
        open_uploads=row["open_uploads"],
        open_bytes=row["open_bytes"],
        period=from_milliseconds(row["period"]),
        period_bytes=row["period_bytes"],
    )
