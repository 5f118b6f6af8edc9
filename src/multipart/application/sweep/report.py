"""What a sweep has found and done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ...domain.session import UploadSession


class SweepOutcome(StrEnum):
    """The outcome for a due session; in a dry run, the expected one."""

    EXPIRED = "expired"
    """It was idle or too old, or its start was interrupted."""
    ABORTED = "aborted"
    """The sweep finished an interrupted abort, or the parts have too many bytes, or the finished
    object is not what was declared."""
    COMPLETED = "completed"
    """The sweep finished an interrupted complete, or an upload that had all its parts."""
    REOPENED = "reopened"
    """An interrupted complete cannot finish, as parts are missing or refused: it is open again."""
    KEPT = "kept"
    """The store has received a part recently, so the client is still uploading."""
    TAKEN = "taken"
    """Another process was faster."""
    FAILED = "failed"
    """The store or the repository did not answer, or the store refused; the next sweep retries."""


@dataclass(frozen=True, slots=True)
class SweptSession:
    """One due session and its outcome."""

    session: UploadSession
    outcome: SweepOutcome


@dataclass(frozen=True, slots=True)
class UnknownUpload:
    """An upload in the store that belongs to no session; it is never aborted."""

    key: str
    initiated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPosition:
    """Where a pass ended and the next one continues; by default, the beginning of a round.

    A round covers everything that is due once, in as many passes as it needs. `due_after` is the
    (due_at, id) of the last session read, and `scan_after` the last key scanned in the store.
    """

    due_after: tuple[datetime, str] | None = None
    scan_after: str | None = None
    has_more_due: bool = True
    has_more_to_scan: bool = True


@dataclass(slots=True)
class StoreScan:
    """Open uploads in the store that no open session refers to.

    `orphaned_uploads` are keys of uploads whose session has ended or has opened another; they are
    aborted, except in a dry run. `next_after` is where the next pass continues, None at the end.
    `is_complete` is False if the store failed to answer.
    """

    orphaned_uploads: list[str] = field(default_factory=list)
    unknown_uploads: list[UnknownUpload] = field(default_factory=list)
    next_after: str | None = None
    is_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a pass has found, and done unless it was a dry run.

    `next_position` is where the next pass continues, None at the end of a round. `purged` counts
    the sessions removed at the end of their retention, and `settled` the reservations in quotas
    that crashed processes had left.
    """

    is_dry_run: bool
    swept: Sequence[SweptSession]
    purged: int
    scan: StoreScan
    settled: int = 0
    next_position: SweepPosition | None = None

    @property
    def counts(self) -> Counter[SweepOutcome]:
        """The number of sessions by outcome."""
        return Counter(swept.outcome for swept in self.swept)

    @property
    def is_worth_continuing(self) -> bool:
        """Whether the next pass of the round should follow at once.

        Not while the store or the database is unavailable: then every session would fail.
        """
        is_working = not self.swept or self.counts[SweepOutcome.FAILED] < len(self.swept)
        return self.next_position is not None and self.scan.is_complete and is_working

    @property
    def is_complete(self) -> bool:
        """Whether everything that was due has been handled."""
        return self.scan.is_complete and not self.counts[SweepOutcome.FAILED]

    @property
    def has_findings(self) -> bool:
        """Whether there is anything to report."""
        found = (
            self.swept
            or self.purged
            or self.settled
            or self.scan.orphaned_uploads
            or self.scan.unknown_uploads
        )
        return bool(found) or not self.scan.is_complete
