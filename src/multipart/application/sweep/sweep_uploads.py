"""End stale sessions, repair interrupted ones, and clear up what is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ...domain.policy import UploadPolicy
from ...domain.session import UploadSession
from ..abort_upload import AbortUpload
from ..complete_upload import CompleteUpload
from ..ports import ObjectStore, SessionRepository
from .report import SweepReport, SweptSession
from .sweep_session import SweepSession
from .sweep_store import SweepStore

MAX_SESSIONS: Final = 5_000
_PAGE: Final = 200
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class SweepUploads:
    """One pass over what is due, bounded in its work; any number of processes may sweep at once.

    It works from the sessions, and only then asks the store what else it has open. Raise
    RepositoryUnavailableError when the sessions cannot be read.
    """

    sessions: SessionRepository
    store: ObjectStore
    complete: CompleteUpload
    abort: AbortUpload
    policy: UploadPolicy

    async def __call__(
        self, *, dry_run: bool = False, scan_after: str | None = None
    ) -> SweepReport:
        """Sweep what has been due for longer than the grace.

        `scan_after` is the `scan.next_after` of the pass before.
        """
        now = await self.sessions.now()
        before = now - self.policy.grace
        swept = [done async for done in self._sessions_swept(before, dry_run=dry_run)]
        retired = 0 if dry_run else await self.sessions.purge_sessions(before, MAX_SESSIONS)
        scan = SweepStore(self.sessions, self.store, self.policy)
        found = await scan(now, scan_after, dry_run=dry_run)
        return SweepReport(
            is_dry_run=dry_run,
            swept=swept,
            retired=retired,
            scan=found,
            has_more=max(len(swept), retired) >= MAX_SESSIONS or found.next_after is not None,
        )

    async def _sessions_swept(
        self, before: datetime, *, dry_run: bool
    ) -> AsyncIterator[SweptSession]:
        sweep = SweepSession(self.sessions, self.store, self.complete, self.abort)
        async for due in self._due(before):
            outcomes = await asyncio.gather(*(sweep(session, dry_run=dry_run) for session in due))
            for session, outcome in zip(due, outcomes, strict=True):
                yield SweptSession(session, outcome)

    async def _due(self, before: datetime) -> AsyncIterator[Sequence[UploadSession]]:
        """Give what is due, a few at a time: the oldest first, each once."""
        after: tuple[datetime, str] | None = None
        for _ in range(MAX_SESSIONS // _PAGE):
            page = await self.sessions.find_due(before, _PAGE, after)
            for start in range(0, len(page), _AT_ONCE):
                yield page[start : start + _AT_ONCE]
            if len(page) < _PAGE:
                return
            last = page[-1]
            after = (last.due_at or before, last.id)
