"""Quotas in MongoDB: one document for each user, so that every change of it is atomic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from pymongo import ASCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from ...domain.quota import QuotaLimits, QuotaUsage, Reservation, UserQuota
from .client import open_database
from .errors import translate_errors
from .retries import resend_once

COLLECTION: Final = "upload_quotas"
_TOTALS: Final = ("open_uploads", "open_bytes", "period", "period_bytes")


@asynccontextmanager
async def open_mongo_quotas(
    uri: str, database: str | None = None
) -> AsyncIterator[MongoQuotaRepository]:
    """Open the quotas in a database, with a connection of their own."""
    async with open_database(uri, database) as chosen:
        yield MongoQuotaRepository(chosen[COLLECTION])


@dataclass(frozen=True, slots=True)
class MongoQuotaRepository:
    """Stores what each user has in a document; its `_id` is the user id.

    A change is decided by the domain, and written if the totals it depends on still allow it.
    """

    quotas: AsyncCollection[dict[str, Any]]

    async def reserve(self, reservation: Reservation, limits: QuotaLimits) -> Reservation:
        """Add a reservation, unless there is one."""
        path = f"reservations.{reservation.upload_id}"
        while True:
            quota = await self._read_or_create(reservation.user_id, path)
            if (existing := quota.reservations.get(reservation.upload_id)) is not None:
                return existing
            after = quota.usage.reserve(reservation)
            limits.require(after)
            reserved = replace(reservation, period=after.period)
            condition = {path: {"$exists": False}, **_room_for(reserved, quota.usage, limits)}
            change = {"$set": {path: _to_document(reserved)}}
            if await self._change(quota, after, condition, change):
                return reserved

    async def settle(self, user_id: str, upload_id: str, stored_bytes: int) -> bool:
        """Remove a reservation."""
        path = f"reservations.{upload_id}"
        while True:
            quota = await self._read(user_id, path)
            if (existing := quota.reservations.get(upload_id)) is None:
                return False
            after = quota.usage.settle(existing, stored_bytes)
            if await self._change(quota, after, {path: {"$exists": True}}, {"$unset": {path: ""}}):
                return True

    async def get(self, user_id: str) -> UserQuota:
        """Read what a user has."""
        return await self._read(user_id, "reservations")

    async def list_users(self, limit: int, after: str | None = None) -> list[UserQuota]:
        """Read users who have reservations."""
        wanted: dict[str, Any] = {"open_uploads": {"$gt": 0}}
        if after is not None:
            wanted["_id"] = {"$gt": after}
        with translate_errors():
            found = self.quotas.find(wanted).sort([("_id", ASCENDING)]).limit(limit)
            return [_to_quota(document) async for document in found]

    async def _read(self, user_id: str, reservations: str) -> UserQuota:
        """Read the totals and, because a user may have many, the reservations in this path."""
        fields = [*_TOTALS, reservations]
        with translate_errors():
            found, _ = await resend_once(lambda: self.quotas.find_one({"_id": user_id}, fields))
        return UserQuota(user_id=user_id) if found is None else _to_quota(found)

    async def _read_or_create(self, user_id: str, reservations: str) -> UserQuota:
        quota = await self._read(user_id, reservations)
        if quota == UserQuota(user_id=user_id):
            empty = {"$setOnInsert": _to_totals(quota.usage)}
            with translate_errors(), suppress(DuplicateKeyError):
                await resend_once(
                    lambda: self.quotas.update_one({"_id": user_id}, empty, upsert=True)
                )
        return quota

    async def _change(
        self,
        quota: UserQuota,
        after: QuotaUsage,
        condition: Mapping[str, Any],
        change: Mapping[str, Mapping[str, Any]],
    ) -> bool:
        """Make a change, and move the totals to `after` by their difference.

        Return False without changing anything if the condition does not hold, or if another period
        has begun.
        """
        before = quota.usage
        moved, values = ["open_uploads", "open_bytes", "period_bytes"], change.get("$set", {})
        if after.period != before.period:
            moved.remove("period_bytes")
            values = {**values, "period": after.period, "period_bytes": after.period_bytes}
        differences = {name: getattr(after, name) - getattr(before, name) for name in moved}
        update = {**change, "$inc": differences, **({"$set": values} if values else {})}
        wanted = {"_id": quota.user_id, "period": before.period, **condition}
        with translate_errors():
            result, _ = await resend_once(lambda: self.quotas.update_one(wanted, update))
        return result.matched_count > 0


def _room_for(reservation: Reservation, usage: QuotaUsage, limits: QuotaLimits) -> dict[str, Any]:
    """Return the condition that the totals have room for a reservation."""
    most: dict[str, int | None] = {"open_bytes": limits.open_bytes}
    if usage.period == reservation.period:
        most["period_bytes"] = limits.period_bytes
    return {
        "open_uploads": {"$lt": limits.open_uploads},
        **{
            name: {"$lte": limit - reservation.size}
            for name, limit in most.items()
            if limit is not None
        },
    }


def _to_totals(usage: QuotaUsage) -> dict[str, Any]:
    return {name: getattr(usage, name) for name in _TOTALS}


def _to_document(reservation: Reservation) -> dict[str, Any]:
    return {
        "size": reservation.size,
        "period": reservation.period,
        "reserved_at": reservation.reserved_at,
    }


def _to_quota(found: Mapping[str, Any]) -> UserQuota:
    user_id = found["_id"]
    return UserQuota(
        user_id=user_id,
        usage=QuotaUsage(**{name: found[name] for name in _TOTALS}),
        reservations={
            upload_id: Reservation(upload_id=upload_id, user_id=user_id, **stored)
            for upload_id, stored in found.get("reservations", {}).items()
        },
    )
