"""What a sweep has found and done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ...domain.session import UploadSession


class SweepOutcome(StrEnum):
    """What has become of a due session; in a dry run, what would if all goes well."""

    EXPIRED = "expired"
    """Nobody had touched it for its whole lifetime, or its start had died."""
    ABORTED = "aborted"
    """Its client's abort was brought to its end."""
    COMPLETED = "completed"
    """Its client's complete was brought to its end."""
    REOPENED = "reopened"
    """Its client's complete cannot be: parts are missing or refused. It is open again."""
    KEPT = "kept"
    """The store has taken a part of late, so somebody is still at it."""
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
    """An upload in the store that no session explains: not ours to abort."""

    key: str
    initiated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPosition:
    """Where a pass ended and the next one continues; by default, the beginning of a round.

    A round looks at everything that is due once, in as many passes as it takes. `due_after` is the
    (due_at, id) of the last session looked at, `scan_after` the last key in the store.
    """

    due_after: tuple[datetime, str] | None = None
    scan_after: str | None = None
    has_due_left: bool = True
    has_scan_left: bool = True


@dataclass(slots=True)
class StoreScan:
    """What the store has open beside what the sessions say.

    `leftovers` are uploads whose own session has ended or has opened another, aborted unless it
    was a dry run. `next_after` is where the next pass goes on, None at the end. `is_complete` is
    False where the store did not answer to the end.
    """

    leftovers: list[str] = field(default_factory=list)
    strays: list[UnknownUpload] = field(default_factory=list)
    next_after: str | None = None
    is_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a pass has found, and done unless it was a dry run.

    `next_position` is where the next pass continues, None where this one has looked at all that
    was due. `retired` counts the sessions removed at the end of their retention.
    """

    is_dry_run: bool
    swept: Sequence[SweptSession]
    retired: int
    scan: StoreScan
    next_position: SweepPosition | None = None

    @property
    def counts(self) -> Counter[SweepOutcome]:
        """Count the outcomes."""
        return Counter(swept.outcome for swept in self.swept)

    @property
    def is_worth_continuing(self) -> bool:
        """Tell whether the next pass of the round should follow at once.

        Not while the store or the database is away: then every session would fail in turn.
        """
        is_working = not self.swept or self.counts[SweepOutcome.FAILED] < len(self.swept)
        return self.next_position is not None and self.scan.is_complete and is_working

    @property
    def is_complete(self) -> bool:
        """Tell whether everything that was due could be looked at."""
        return self.scan.is_complete and not self.counts[SweepOutcome.FAILED]

    @property
    def has_found(self) -> bool:
        """Tell whether there is anything to say."""
        found = self.swept or self.retired or self.scan.leftovers or self.scan.strays
        return bool(found) or not self.scan.is_complete
