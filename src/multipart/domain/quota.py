"""Quotas: how much each user may upload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from .errors import QuotaExceededError
from .session import SessionState, UploadSession

MAX_OPEN_UPLOADS: Final = 100_000
"""Reservations of one user that the adapters can store: a MongoDB document has 16 MiB at most."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaLimits:
    """The most that each user may have; sizes in bytes, None is no limit.

    - `open_uploads` and `open_bytes` are of uploads that have not ended.
    - `period_bytes` are those of uploads started within a period, less what was not stored in the
      end. Periods of the length `period` follow each other from 1970 on, in UTC.
    - `unsized_bytes` is what an upload counts, and may have at most, if its client declares no
      size.
    """

    open_uploads: int = MAX_OPEN_UPLOADS
    open_bytes: int | None = None
    period_bytes: int | None = None
    period: timedelta = timedelta(days=1)
    unsized_bytes: int = 5 * 2**30

    @property
    def max_unsized(self) -> int | None:
        """The largest upload in bytes without a declared size; None if bytes are not limited."""
        is_limited = self.open_bytes is not None or self.period_bytes is not None
        return self.unsized_bytes if is_limited else None

    def start_of_period(self, now: datetime) -> datetime:
        """Return when the period began that this time is in."""
        return now - (now - _EPOCH) % self.period

    def reservation_for(self, session: UploadSession, now: datetime) -> Reservation:
        """Return what a session reserves."""
        size = session.plan.size if session.plan else session.max_size
        return Reservation(
            upload_id=session.id,
            user_id=session.user_id,
            size=self.unsized_bytes if size is None else size,
            period=self.start_of_period(now),
            reserved_at=now,
        )

    def require(self, usage: QuotaUsage) -> None:
        """Raise QuotaExceededError if a usage is over a limit."""
        for name in ("open_uploads", "open_bytes", "period_bytes"):
            limit = getattr(self, name)
            if limit is not None and getattr(usage, name) > limit:
                resets_at = usage.period + self.period if name == "period_bytes" else None
                raise QuotaExceededError(name, limit, resets_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What an open upload counts; `size` in bytes, `period` is when its period began."""

    upload_id: str
    user_id: str
    size: int
    period: datetime
    reserved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUsage:
    """What a user has: sizes in bytes, and the beginning of the period that they are counted in."""

    open_uploads: int = 0
    open_bytes: int = 0
    period: datetime = _EPOCH
    period_bytes: int = 0

    def in_period(self, period: datetime) -> Self:
        """Return the usage in this period, which begins with no bytes if it is later."""
        return replace(self, period=period, period_bytes=0) if period > self.period else self

    def reserve(self, reservation: Reservation) -> Self:
        """Add a reservation, in its period or the current one, whichever is later."""
        current = self.in_period(reservation.period)
        return replace(
            current,
            open_uploads=self.open_uploads + 1,
            open_bytes=self.open_bytes + reservation.size,
            period_bytes=current.period_bytes + reservation.size,
        )

    def settle(self, reservation: Reservation, stored_bytes: int) -> Self:
        """Remove a reservation, of which these bytes were stored."""
        is_current = reservation.period == self.period
        unused = reservation.size - stored_bytes
        return replace(
            self,
            open_uploads=self.open_uploads - 1,
            open_bytes=self.open_bytes - reservation.size,
            period_bytes=self.period_bytes - (unused if is_current else 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserQuota:
    """The usage of a user, and its reservations by upload id."""

    user_id: str
    usage: QuotaUsage = QuotaUsage()
    reservations: Mapping[str, Reservation] = field(default_factory=dict)


def stored_bytes(session: UploadSession) -> int:
    """Return how many bytes an ended upload has left in the store."""
    is_stored = session.state is SessionState.COMPLETED and session.result is not None
    return session.result.size if is_stored and session.result else 0
