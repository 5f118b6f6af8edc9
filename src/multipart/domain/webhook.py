"""Webhooks: what each has received, and when it is called again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Self

from .session_event import EventType

# As the Standard Webhooks specification recommends; together more than three days.
RETRY_AFTER: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MAX_RETRIES: Final = 2_000
"""Undelivered events of a webhook; with more, no further ones are sent until some are."""
MAX_DEAD: Final = 1_000
"""Given-up events whose numbers are kept."""
_FIRST_PAUSE: Final = timedelta(seconds=1)
_LONGEST_PAUSE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An endpoint of the operator's; each of its secrets signs, the current one first."""

    url: str
    secrets: tuple[str, ...] = field(repr=False)
    types: frozenset[EventType] = frozenset(EventType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An event that was not delivered; `attempts` 0 waits for an earlier one of its upload."""

    sequence: int
    upload_id: str
    attempts: int
    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookState:
    """What a webhook has received: every event up to `cursor`, except `retries` and `dead`.

    - `dead` are the numbers of the last events that were given up.
    - After `failures` calls in a row that failed, no event is sent before `paused_until`.
    - A webhook that answered 410 is disabled.
    - Only the holder of the lease sends, until the deadline.
    """

    url: str
    cursor: int
    retries: tuple[Retry, ...] = ()
    dead: tuple[int, ...] = ()
    failures: int = 0
    paused_until: datetime | None = None
    disabled_at: datetime | None = None
    holder: str | None = None
    deadline: datetime | None = None
    version: int = 0

    def is_leased(self, now: datetime) -> bool:
        """Return whether a process may be sending."""
        return self.holder is not None and self.deadline is not None and now < self.deadline

    def leased(self, holder: str, deadline: datetime) -> Self:
        """Take the lease."""
        return replace(self, holder=holder, deadline=deadline)

    def released(self) -> Self:
        """Give up the lease."""
        return replace(self, holder=None, deadline=None)

    def is_paused(self, now: datetime) -> bool:
        """Return whether nothing may be sent now."""
        is_waiting = self.paused_until is not None and now < self.paused_until
        return self.disabled_at is not None or is_waiting

    def due_retries(self, now: datetime) -> list[Retry]:
        """Return the retries that are due; of one upload, only the first."""
        first: dict[str, Retry] = {}
        for retry in self.retries:
            first.setdefault(retry.upload_id, retry)
        return [retry for retry in first.values() if retry.next_at <= now]

    def with_version(self, version: int) -> Self:
        """Return the state with the version that the repository has stored."""
        return replace(self, version=version)

    def delivered(self, sequences: Collection[int], cursor: int) -> Self:
        """Record that these events have arrived, and that all up to `cursor` have been sent."""
        return replace(
            self,
            cursor=max(self.cursor, cursor),
            retries=tuple(retry for retry in self.retries if retry.sequence not in sequences),
            failures=0 if sequences else self.failures,
            paused_until=None if sequences else self.paused_until,
        )

    def failed(self, attempted: Mapping[int, str], now: datetime, jitter: float) -> Self:
        """Record events that were tried and not delivered, with their upload ids."""
        known = {retry.sequence: retry for retry in self.retries}
        dead = []
        for sequence, upload_id in attempted.items():
            attempts = known[sequence].attempts + 1 if sequence in known else 1
            if attempts > len(RETRY_AFTER):
                dead.append(sequence)
                known.pop(sequence, None)
                continue
            next_at = now + RETRY_AFTER[attempts - 1] * jitter
            known[sequence] = Retry(
                sequence=sequence, upload_id=upload_id, attempts=attempts, next_at=next_at
            )
        failures = self.failures + 1
        pause = min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE)
        return replace(
            self,
            retries=tuple(known[sequence] for sequence in sorted(known)),
            dead=(*self.dead, *dead)[-MAX_DEAD:],
            failures=failures,
            paused_until=now + pause * jitter,
        )

    def postponed(self, waiting: Mapping[int, str], now: datetime) -> Self:
        """Record events that were not tried, because an earlier one of their upload waits."""
        known = {retry.sequence for retry in self.retries}
        added = [
            Retry(sequence=sequence, upload_id=upload_id, attempts=0, next_at=now)
            for sequence, upload_id in waiting.items()
            if sequence not in known
        ]
        ordered = sorted((*self.retries, *added), key=lambda retry: retry.sequence)
        return replace(self, retries=tuple(ordered))

    def disabled(self, now: datetime) -> Self:
        """Send nothing more: the receiver is gone."""
        return replace(self, disabled_at=now)

    def replaying(self, after: int) -> Self:
        """Send all events after a sequence number again, to a disabled webhook too."""
        return replace(
            self,
            cursor=after,
            retries=tuple(retry for retry in self.retries if retry.sequence <= after),
            failures=0,
            paused_until=None,
            disabled_at=None,
            holder=None,
            deadline=None,
        )
