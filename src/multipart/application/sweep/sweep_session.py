"""End or repair one session that is due."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...domain.errors import (
    ChecksumMismatchError,
    ContentRefusedError,
    FileTooLargeError,
    LeaseHeldError,
    NotFoundError,
    PartsMissingError,
    PartsRefusedError,
    StaleSessionError,
    StoreRefusedError,
    StoreUploadGoneError,
    TransitionError,
    UnavailableError,
)
from ...domain.part import StoredPart
from ...domain.policy import UploadPolicy
from ...domain.reconciliation import is_whole
from ...domain.session import SessionState, UploadSession
from ..abort_upload import AbortUpload
from ..complete_upload import CompleteUpload
from ..ports import ObjectStore, SessionRepository
from .report import SweepOutcome

_logger = logging.getLogger(__name__)
_OVERTAKEN: Final = (StaleSessionError, LeaseHeldError, TransitionError, NotFoundError)


@dataclass(frozen=True, slots=True)
class SweepSession:
    """Finish an interrupted complete or abort, or expire the session.

    Every change is a compare-and-set, so one of any number of sweepers does it.
    """

    sessions: SessionRepository
    store: ObjectStore
    complete: CompleteUpload
    abort: AbortUpload
    policy: UploadPolicy

    async def __call__(self, session: UploadSession, *, dry_run: bool) -> SweepOutcome:
        try:
            return await self._sweep(session, dry_run=dry_run)
        except _OVERTAKEN:
            return SweepOutcome.TAKEN
        except (UnavailableError, StoreRefusedError):
            return SweepOutcome.FAILED
        except Exception as exc:  # noqa: BLE001  # one session must not stop the others
            # Only the type: the text may hold a URL.
            _logger.error("Sweeping %s failed: %s", session.id, type(exc).__name__)  # noqa: TRY400
            return SweepOutcome.FAILED

    async def _sweep(self, session: UploadSession, *, dry_run: bool) -> SweepOutcome:
        match session.state:
            case SessionState.COMPLETING:
                return SweepOutcome.COMPLETED if dry_run else await self._complete(session)
            case SessionState.ABORTING:
                begun_as = SweepOutcome(session.ending or SessionState.ABORTED)
                return begun_as if dry_run else await self._end(session)
            case _:
                return await self._expire(session, dry_run=dry_run)

    async def _complete(self, session: UploadSession) -> SweepOutcome:
        try:
            await self.complete.complete(session)
        except (FileTooLargeError, ContentRefusedError, ChecksumMismatchError):
            return SweepOutcome.ABORTED
        except (PartsMissingError, PartsRefusedError, StoreUploadGoneError):
            return SweepOutcome.REOPENED
        except (UnavailableError, StoreRefusedError):
            stored = await self.sessions.get(session.id)
            if stored.state is not SessionState.COMPLETING:
                return SweepOutcome.REOPENED
            if stored.expires_at > await self.sessions.now():
                raise
            return await self._end(await self.abort.require_uncommitted(stored))
        return SweepOutcome.COMPLETED

    async def _end(self, session: UploadSession) -> SweepOutcome:
        ended = await self.abort.expire(session)
        return SweepOutcome(ended.state)

    async def _expire(self, session: UploadSession, *, dry_run: bool) -> SweepOutcome:
        # A client may send parts for days and report none: then only the store shows its activity.
        stored = await self._list_stored(session)
        if stored:
            stored_at = max(part.stored_at for part in stored)
            alive = session.part_recorded(stored_at)
            if alive.expires_at > await self.sessions.now():
                if not dry_run:
                    await self.sessions.save(alive)
                return SweepOutcome.KEPT
        if self.policy.completes_whole and session.plan and is_whole(session.plan, stored):
            return SweepOutcome.COMPLETED if dry_run else await self._complete_whole(session)
        return SweepOutcome.EXPIRED if dry_run else await self._end(session)

    async def _complete_whole(self, session: UploadSession) -> SweepOutcome:
        """Complete an upload whose client has sent everything and gone; expire it if refused."""
        if session.state is SessionState.INITIATED:
            # No part was reported.
            now = await self.sessions.now()
            session = await self.sessions.save(session.part_recorded(now))
        try:
            await self.complete.complete(session)
        except (FileTooLargeError, ContentRefusedError, ChecksumMismatchError):
            return SweepOutcome.ABORTED
        except (PartsMissingError, PartsRefusedError, StoreUploadGoneError):
            return await self._end(await self.sessions.get(session.id))
        return SweepOutcome.COMPLETED

    async def _list_stored(self, session: UploadSession) -> Sequence[StoredPart]:
        if session.store_upload_id is None:
            return []
        try:
            return await self.store.list_parts(session.key, session.store_upload_id)
        except StoreUploadGoneError:
            return []
