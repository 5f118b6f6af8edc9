"""Expire stale sessions, repair interrupted ones, and abort orphaned uploads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ...domain.policy import UploadPolicy
from ...domain.session import UploadSession
from ..observer import NO_OBSERVER, Observer
from ..ports import SessionRepository
from .report import StoreScan, SweepPosition, SweepReport, SweptSession
from .settle_quotas import SettleQuotas
from .sweep_session import SweepSession
from .sweep_store import SweepStore

MAX_SESSIONS: Final = 5_000
_PAGE: Final = 200
_AT_ONCE: Final = 8
BEGINNING: Final = SweepPosition()


@dataclass(frozen=True, slots=True)
class SweepUploads:
    """One bounded pass over everything that is due; any number of processes may sweep at once.

    Each pass handles due sessions, purges old ones and scans the store, each up to a limit, so that
    a backlog of one does not block the others. The last pass of a round settles quotas. Raise
    RepositoryUnavailableError when the sessions cannot be read.
    """

    sessions: SessionRepository
    sweep_session: SweepSession
    sweep_store: SweepStore
    settle_quotas: SettleQuotas | None
    policy: UploadPolicy
    observer: Observer = NO_OBSERVER

    async def __call__(
        self, *, dry_run: bool = False, position: SweepPosition = BEGINNING
    ) -> SweepReport:
        """Sweep what has been due for longer than the grace.

        `position` is the `next_position` of the previous pass in the same round.
        """
        now = await self.sessions.now()
        before = now - self.policy.grace
        due = _DuePages(self.sessions, before, position.due_after)
        swept = []
        if position.has_more_due:
            swept = [done async for done in self._sweep_sessions(due, dry_run=dry_run)]
        purged = 0 if dry_run else await self.sessions.purge_sessions(before, MAX_SESSIONS)
        scan = StoreScan()
        if position.has_more_to_scan:
            scan = await self.sweep_store(now, position.scan_after, dry_run=dry_run)
        following = SweepPosition(
            due_after=due.after,
            scan_after=scan.next_after,
            has_more_due=due.has_more,
            has_more_to_scan=scan.next_after is not None,
        )
        has_more = due.has_more or purged >= MAX_SESSIONS or following.has_more_to_scan
        settled = 0
        if self.settle_quotas is not None and not has_more and not dry_run:
            settled = await self.settle_quotas(now)
        report = SweepReport(
            is_dry_run=dry_run,
            swept=swept,
            purged=purged,
            scan=scan,
            settled=settled,
            next_position=following if has_more else None,
        )
        self.observer.note_sweep(report)
        return report

    async def _sweep_sessions(
        self, pages: _DuePages, *, dry_run: bool
    ) -> AsyncIterator[SweptSession]:
        async for due in pages.read():
            outcomes = await asyncio.gather(
                *(self.sweep_session(session, dry_run=dry_run) for session in due)
            )
            for session, outcome in zip(due, outcomes, strict=True):
                yield SweptSession(session, outcome)


@dataclass(slots=True)
class _DuePages:
    """The due sessions, oldest first, each once; `after` is the last one read."""

    sessions: SessionRepository
    before: datetime
    after: tuple[datetime, str] | None
    has_more: bool = False

    async def read(self) -> AsyncIterator[Sequence[UploadSession]]:
        """Yield the sessions for one pass, a few at a time."""
        for _ in range(MAX_SESSIONS // _PAGE):
            page = await self.sessions.find_due(self.before, _PAGE, self.after)
            for start in range(0, len(page), _AT_ONCE):
                yield page[start : start + _AT_ONCE]
            if len(page) < _PAGE:
                self.has_more = False
                return
            last = page[-1]
            self.after = (last.due_at or self.before, last.id)
        self.has_more = True
