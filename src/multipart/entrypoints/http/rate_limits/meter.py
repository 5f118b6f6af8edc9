"""Count what one request uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from litestar.types import Scope

from ....application.ports import RateLimiter, UsageMeter
from ....domain.rate_limit import RateLimit, Unit
from ..rate_limit_headers import keep_usages
from .callers import name_callers


@dataclass(frozen=True, slots=True)
class RequestMeter(UsageMeter):
    """Counts for the user and the address of a request, and keeps the usages for its answer."""

    limiter: RateLimiter
    limits: Mapping[Unit, RateLimit]
    scope: Scope

    def limit_of(self, unit: Unit) -> int | None:
        limit = self.limits.get(unit)
        return limit.amount if limit else None

    async def count(self, costs: Mapping[Unit, int]) -> None:
        limited = {self.limits[unit]: cost for unit, cost in costs.items() if unit in self.limits}
        if limited:
            usages = await self.limiter.spend(limited, name_callers(self.scope))
            keep_usages(self.scope, usages)
