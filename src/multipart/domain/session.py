"""An upload session and its state machine.

    pending -> initiated -> in-progress -> completing -> completed
    any open state, or an interrupted complete -> aborting -> aborted | expired
    completing -> in-progress (the store refused, or parts are missing)
    initiated, in-progress, completing -> initiated (the store has lost the upload)

Transitions have participles as names. Each checks the state and returns the next session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, Self

from .content_check import DetectedType
from .errors import LeaseHeldError, StoreUploadGoneError, TransitionError
from .part_plan import PartPlan
from .session_event import EventType, ReopenReason, SessionEvent
from .upload_token import TokenUse


class SessionState(StrEnum):
    """The states, spelled as on the wire."""

    PENDING = "pending"
    INITIATED = "initiated"
    IN_PROGRESS = "in-progress"
    COMPLETING = "completing"
    ABORTING = "aborting"
    COMPLETED = "completed"
    ABORTED = "aborted"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether the session can never change again."""
        return self in _TERMINAL

    @property
    def is_open(self) -> bool:
        """Whether parts may be signed and recorded."""
        return self in _OPEN


DISCARDED_STATES: Final = frozenset(
    {SessionState.ABORTING, SessionState.ABORTED, SessionState.EXPIRED}
)
"""States in which the parts are discarded, or soon will be."""
_TERMINAL = frozenset({SessionState.COMPLETED, SessionState.ABORTED, SessionState.EXPIRED})
_ENDED_OTHERWISE = frozenset({SessionState.COMPLETED, SessionState.ABORTED})
_MIN_URL_LIFETIME: Final = timedelta(seconds=1)
_END_EVENTS: Final = {
    SessionState.COMPLETED: EventType.COMPLETED,
    SessionState.ABORTED: EventType.ABORTED,
    SessionState.EXPIRED: EventType.EXPIRED,
}
_OPEN = frozenset({SessionState.INITIATED, SessionState.IN_PROGRESS})


class ExpiryReason(StrEnum):
    """Why an upload expires, spelled as on the wire."""

    IDLE = "idle"
    """No activity for the permitted idle time."""
    MAX_AGE = "max-age"
    """It has reached its maximum age."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right to open, complete or abort a session, until the deadline.

    The deadline is by the repository's clock, which all processes share.
    """

    holder: str
    deadline: datetime

    def is_live(self, now: datetime) -> bool:
        """Return whether the holder still has the exclusive right."""
        return now < self.deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """A finished object; the ETag is bare, the size in bytes.

    `upload_id` and `nonce` are those of the session that made it, None if no session of ours did.
    `checksum` is the CRC-64/NVME of all its bytes by the store, None if the store tells none.
    """

    location: str
    etag: str
    size: int
    upload_id: str | None = None
    nonce: str | None = None
    checksum: str | None = None


class Before(NamedTuple):
    """What a session was before its last transition."""

    state: SessionState
    active_at: datetime
    lease: Lease | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSession:
    """The upload of one file. Transitions return the next session; nothing changes in place.

    Times are UTC, to the millisecond.

    - `nonce` is random. With the id it proves that an object was made by this session, and not by
      an earlier one with the same id. None in sessions of earlier versions.
    - `plan` is None if the client declared no size, or cuts the file itself.
    - `max_size` is how many bytes the parts may have in all if the client cuts the file itself: as
      many as it declared, or as its upload token allows. None without either, or with a plan.
    - `refused_size` is how many bytes its parts had when they were too many to be completed.
    - `store_upload_id` is S3's UploadId. None until S3 has opened the upload, and after S3 has lost
      it. A lifecycle rule of the bucket aborts the upload at `abort_date`, if there is such a rule.
    - From `closes_at`, the maximum age, the session accepts no more parts. None without such a
      limit; `expires_at` is never later.
    - `token` is the upload token that it was started with, if any.
    - `checksum` is the CRC-64/NVME of the file that the client declared, None if it declared none.
    - `detected` is the type that the first bytes of the finished object show, None if it is unknown
      or was not checked, and `refused_checksum` the finished object's checksum if it was not the
      declared one. If the session is then not completed, its object was refused.
    - `ending` is the terminal state that an abort was begun for, and `retained_until` is set when
      the session ends.
    - `event` is what the last transition tells other systems. It is stored with the session, and
      not read again. `before` is what that transition began with, for logs and metrics.
    - `version` is the repository's, for compare-and-set.
    """

    id: str
    user_id: str
    key: str
    filename: str
    content_type: str
    created_at: datetime
    active_at: datetime
    expires_at: datetime
    nonce: str | None = None
    closes_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    plan: PartPlan | None = None
    max_size: int | None = None
    refused_size: int | None = None
    checksum: str | None = None
    refused_checksum: str | None = None
    state: SessionState = SessionState.PENDING
    store_upload_id: str | None = None
    abort_date: datetime | None = None
    lease: Lease | None = None
    token: TokenUse | None = None
    detected: DetectedType | None = None
    ending: SessionState | None = None
    result: StoredObject | None = None
    retained_until: datetime | None = None
    event: SessionEvent | None = field(default=None, compare=False)
    before: Before | None = field(default=None, compare=False)
    version: int = 0

    def opening(self, lease: Lease, now: datetime) -> Self:
        """Take the lease to open an upload in the store: the first, or a new one after a loss."""
        self._require_unopened("open")
        self._require_free(now)
        return self._move(self.state, now, lease=lease)

    def initiated(
        self, store_upload_id: str, now: datetime, abort_date: datetime | None = None
    ) -> Self:
        """Record the upload that the object store has opened."""
        self._require_unopened("initiate")
        opened = {"store_upload_id": store_upload_id, "abort_date": abort_date}
        is_first = self.state is SessionState.PENDING
        event = SessionEvent(EventType.STARTED, now) if is_first else None
        return self._move(SessionState.INITIATED, now, lease=None, event=event, **opened)

    def part_recorded(self, now: datetime) -> Self:
        """Move to in-progress at the first part; later parts only record activity."""
        self.require_recordable()
        return self._move(SessionState.IN_PROGRESS, now)

    def store_upload_lost(self, now: datetime) -> Self:
        """Reopen a session whose upload the store has discarded; its parts must be sent again."""
        self._require(
            "reopen", SessionState.INITIATED, SessionState.IN_PROGRESS, SessionState.COMPLETING
        )
        # The client was not active, so `active_at` stays.
        event = SessionEvent(EventType.REOPENED, now, ReopenReason.LOST)
        gone = {"store_upload_id": None, "abort_date": None, "lease": None}
        return self._change(event=event, state=SessionState.INITIATED, **gone)

    def completing(self, lease: Lease, now: datetime, checksum: str | None = None) -> Self:
        """Take the lease to complete the upload, or take over once an earlier lease has ended.

        `checksum` is declared for the file if none was before.
        Taking over is not activity: a complete that fails repeatedly must not keep the session
        from expiring.
        """
        self._require("complete", SessionState.IN_PROGRESS, SessionState.COMPLETING)
        self._require_free(now)
        declared = self.checksum or checksum
        if self.state is SessionState.COMPLETING:
            return self._change(lease=lease, checksum=declared)
        return self._move(
            SessionState.COMPLETING, now, lease=lease, refused_size=None, checksum=declared
        )

    def size_refused(self, size: int, now: datetime) -> Self:
        """Reopen the session, to be aborted next: its parts have too many bytes."""
        self._require("reopen", SessionState.COMPLETING)
        return self._move(SessionState.IN_PROGRESS, now, lease=None, refused_size=size)

    def completion_refused(self, now: datetime) -> Self:
        """Reopen the session with its parts: the object store cannot complete the upload."""
        self._require("reopen", SessionState.COMPLETING)
        event = SessionEvent(EventType.REOPENED, now, ReopenReason.REFUSED)
        return self._move(SessionState.IN_PROGRESS, now, lease=None, event=event)

    def completed(
        self,
        result: StoredObject,
        now: datetime,
        retention: timedelta,
        detected: DetectedType | None = None,
    ) -> Self:
        """Record the finished object."""
        self._require("complete", SessionState.COMPLETING)
        return self._end(SessionState.COMPLETED, now, retention, result=result, detected=detected)

    def object_refused(
        self,
        now: datetime,
        *,
        detected: DetectedType | None = None,
        checksum: str | None = None,
    ) -> Self:
        """Begin to abort the session: its finished object is not what was declared and must go.

        Give what the object has: the type detected, or the checksum.
        """
        self._require("refuse the object of", SessionState.COMPLETING)
        return self._move(
            SessionState.ABORTING,
            now,
            lease=None,
            ending=SessionState.ABORTED,
            detected=detected,
            refused_checksum=checksum,
        )

    def aborting(self, lease: Lease, now: datetime) -> Self:
        """Take the lease to discard the parts, at the client's request.

        If a complete was interrupted, the caller must know that it has not committed.
        """
        if self.state is SessionState.ABORTING:
            return self._take_over(lease, now)
        self._require(
            "abort", SessionState.INITIATED, SessionState.IN_PROGRESS, SessionState.COMPLETING
        )
        return self._begin_ending(SessionState.ABORTED, lease, now)

    def expiring(self, lease: Lease, now: datetime) -> Self:
        """Take the lease to discard the parts, because the session is idle or too old.

        If a complete was interrupted, the caller must know that it has not committed.
        """
        if self.state is SessionState.ABORTING:
            return self._take_over(lease, now)
        self._require(
            "expire",
            SessionState.PENDING,
            SessionState.INITIATED,
            SessionState.IN_PROGRESS,
            SessionState.COMPLETING,
        )
        return self._begin_ending(SessionState.EXPIRED, lease, now)

    def ended(self, now: datetime, retention: timedelta) -> Self:
        """End the session as aborted or expired, once the store has discarded its parts."""
        self._require("end", SessionState.ABORTING)
        if self.ending is None:
            raise TransitionError("end", self.state)
        return self._end(self.ending, now, retention)

    def lease_renewed(self, deadline: datetime) -> Self:
        """Extend the lease to a later deadline."""
        if self.lease is None:
            raise TransitionError("renew the lease of", self.state)
        return self._change(lease=replace(self.lease, deadline=deadline))

    def lease_released(self) -> Self:
        """Give up the lease: the next caller may take over at once."""
        if self.lease is None:
            raise TransitionError("release the lease of", self.state)
        return self._change(lease=None)

    def is_leased(self, now: datetime) -> bool:
        """Return whether a caller holds the lease."""
        return self.lease is not None and self.lease.is_live(now)

    def require_open(self, action: str) -> None:
        """Raise TransitionError unless parts may be signed and recorded."""
        self._require(action, SessionState.INITIATED, SessionState.IN_PROGRESS)

    def require_recordable(self) -> None:
        """Raise TransitionError unless parts may be recorded.

        Raise StoreUploadGoneError if the store has lost the upload that they belonged to.
        """
        self.require_open("record a part of")
        if self.is_lost:
            raise StoreUploadGoneError

    def require_young(self, action: str, now: datetime) -> None:
        """Raise TransitionError at or after the maximum age, even before the sweep expires it."""
        if self.closes_at is not None and now >= self.closes_at:
            raise TransitionError(action, SessionState.EXPIRED, ExpiryReason.MAX_AGE)

    def limit_url_lifetime(self, wanted: timedelta, now: datetime) -> timedelta:
        """Shorten the lifetime of a signed URL so that it ends by the session's maximum age.

        Raise TransitionError if less than a second remains, the shortest that can be signed.
        """
        self.require_young("sign a part of", now + _MIN_URL_LIFETIME)
        return wanted if self.closes_at is None else min(wanted, self.closes_at - now)

    @property
    def is_object_refused(self) -> bool:
        """Whether the finished object was refused, because it is not what was declared."""
        was_checked = self.detected is not None or self.refused_checksum is not None
        return was_checked and self.state in DISCARDED_STATES

    @property
    def is_checksum_verified(self) -> bool:
        """Whether the finished object has the checksum that the client declared."""
        return (
            self.result is not None
            and self.checksum is not None
            and self.result.checksum == self.checksum
        )

    @property
    def expiry_reason(self) -> ExpiryReason | None:
        """Why the session will expire or has expired; None once completed or aborted."""
        if self.state in _ENDED_OTHERWISE or self.ending is SessionState.ABORTED:
            return None
        # The end of a session counts as activity, which has moved `expires_at`.
        moment = self.expires_at if self.ending is None else self.active_at
        has_max_age = self.closes_at is not None and moment >= self.closes_at
        return ExpiryReason.MAX_AGE if has_max_age else ExpiryReason.IDLE

    @property
    def recordable_store_upload_id(self) -> str | None:
        """The store upload whose parts may be recorded, None if there is none."""
        return self.store_upload_id if self.state.is_open else None

    @property
    def open_store_upload_id(self) -> str:
        """S3's UploadId. Raise StoreUploadGoneError if S3 has no upload of this session."""
        if self.store_upload_id is None:
            raise StoreUploadGoneError
        return self.store_upload_id

    @property
    def is_lost(self) -> bool:
        """Whether the store has discarded the open upload; the next sign opens another."""
        return self.state is SessionState.INITIATED and self.store_upload_id is None

    @property
    def due_at(self) -> datetime | None:
        """When the sweep may act on this session; None once terminal."""
        if self.state.is_terminal:
            return None
        if self.state.is_open:
            return self.expires_at
        return self.active_at if self.lease is None else self.lease.deadline

    def with_version(self, version: int) -> Self:
        """Return the session with the version that the repository has stored."""
        return replace(self, version=version)

    def _take_over(self, lease: Lease, now: datetime) -> Self:
        self._require_free(now)
        return self._move(self.state, now, lease=lease)

    def _begin_ending(self, ending: SessionState, lease: Lease, now: datetime) -> Self:
        self._require_free(now)
        return self._move(SessionState.ABORTING, now, lease=lease, ending=ending)

    def _end(
        self, state: SessionState, now: datetime, retention: timedelta, **changes: object
    ) -> Self:
        retained_until = now + retention
        if self.token is not None:
            # Sessions are what counts the uploads of a token.
            retained_until = max(retained_until, self.token.expires_at)
        event = SessionEvent(_END_EVENTS[state], now)
        return self._move(
            state, now, event=event, lease=None, retained_until=retained_until, **changes
        )

    def _move(
        self,
        state: SessionState,
        now: datetime,
        *,
        event: SessionEvent | None = None,
        **changes: object,
    ) -> Self:
        lifetime = self.expires_at - self.active_at
        # A clock that went back must not make the session look older than it is.
        active_at = max(self.active_at, now)
        expires_at = active_at + lifetime
        return self._change(
            event=event,
            state=state,
            active_at=active_at,
            expires_at=expires_at if self.closes_at is None else min(expires_at, self.closes_at),
            **changes,
        )

    def _change(self, *, event: SessionEvent | None = None, **changes: object) -> Self:
        # The event of an earlier transition has been stored by now.
        before = Before(self.state, self.active_at, self.lease)
        return replace(self, event=event, before=before, **changes)  # type: ignore[arg-type]  # own

    def _require(self, action: str, *states: SessionState) -> None:
        if self.state not in states:
            reason = self.expiry_reason if self.state is SessionState.EXPIRED else None
            raise TransitionError(action, self.state, reason)

    def _require_unopened(self, action: str) -> None:
        if self.state is not SessionState.PENDING and not self.is_lost:
            raise TransitionError(action, self.state)

    def _require_free(self, now: datetime) -> None:
        if self.lease is not None and self.is_leased(now):
            raise LeaseHeldError(self.state, (self.lease.deadline - now).total_seconds())
