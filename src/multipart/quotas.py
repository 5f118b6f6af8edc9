"""Open the quotas that the settings choose, and what checks them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from .application.audit_quotas import AuditQuotas
from .application.ports import QuotaRepository, SessionRepository
from .application.quota_enforcer import QuotaEnforcer
from .application.sweep.settle_quotas import SettleQuotas
from .domain.policy import UploadPolicy
from .domain.quota import QuotaLimits, QuotaUsage
from .session_database import choose_database
from .settings import Settings
from .upload_policy import upload_policy


@asynccontextmanager
async def open_quotas(settings: Settings) -> AsyncIterator[QuotaRepository | None]:
    """Open the quotas of the session database; None without any quota."""
    if not settings.has_quotas:
        yield None
        return
    async with require_quotas(settings)() as quotas:
        yield quotas


def require_quotas(
    settings: Settings,
) -> Callable[[], AbstractAsyncContextManager[QuotaRepository]]:
    """Return what opens the quotas. Raise ValueError if the database stores none."""
    open_them = choose_database(settings).open_quotas
    if open_them is None:
        msg = (
            "QUOTA_OPEN_UPLOADS, QUOTA_OPEN_BYTES and QUOTA_PERIOD_BYTES need MONGO_URI or "
            "DATABASE_URL, because SESSION_REPOSITORY stores no quotas"
        )
        raise ValueError(msg)
    return open_them


def enforce_quotas(
    sessions: SessionRepository, quotas: QuotaRepository | None, policy: UploadPolicy
) -> SessionRepository:
    """Return the sessions, with quotas if there are any."""
    if quotas is None or policy.quotas is None:
        return sessions
    return QuotaEnforcer(sessions, quotas, policy.quotas)


def create_quota_settler(
    sessions: SessionRepository, quotas: QuotaRepository | None, policy: UploadPolicy
) -> SettleQuotas | None:
    """Return what settles stale reservations; None without quotas."""
    return None if quotas is None else SettleQuotas(sessions, quotas, policy)


@dataclass(frozen=True, slots=True)
class QuotaUseCases:
    """What shows and checks quotas."""

    sessions: SessionRepository
    quotas: QuotaRepository
    limits: QuotaLimits
    audit: AuditQuotas

    async def read_usage(self, user_id: str) -> QuotaUsage:
        """Return what a user has in the current period."""
        quota = await self.quotas.get(user_id)
        return quota.usage.in_period(self.limits.start_of_period(await self.sessions.now()))


@asynccontextmanager
async def open_quota_use_cases(settings: Settings) -> AsyncIterator[QuotaUseCases]:
    """Open the sessions and their quotas. Raise ValueError if there are no quotas."""
    policy = upload_policy(settings)
    if policy.quotas is None:
        msg = "QUOTA_OPEN_UPLOADS, QUOTA_OPEN_BYTES or QUOTA_PERIOD_BYTES: is required"
        raise ValueError(msg)
    async with require_quotas(settings)() as quotas, choose_database(settings).open() as sessions:
        audit = AuditQuotas(sessions, quotas, SettleQuotas(sessions, quotas, policy), policy.quotas)
        yield QuotaUseCases(sessions, quotas, policy.quotas, audit)
