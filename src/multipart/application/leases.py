"""Exclusive work on a session under a renewable lease.

A caller that opens, completes or aborts an upload takes the session's lease first:

    lease = await new_lease(self.sessions, self.policy.lease)
    session = await self.sessions.save(session.completing(lease.terms, lease.now))
    async with lease.hold(session) as held:
        ...  # work; a background task renews the lease
        await held.finish(held.session.completed(...))

`save` is a compare-and-set, so one caller gets the lease; the others retry with LeaseBackoff. When
the lease is lost, the body is cancelled and the block raises the reason. When a process dies, its
lease ends at the deadline, and any other caller may take the session over.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, NoReturn, Self
from uuid import uuid4

from ..domain.errors import (
    LeaseHeldError,
    RepositoryUnavailableError,
    StaleSessionError,
    StoreRefusedError,
    UnavailableError,
    UploadError,
)
from ..domain.session import Lease, UploadSession
from .observer import NO_OBSERVER, Observer
from .ports import SessionRepository
from .task_cancellation import CANCEL_AGAIN_SECONDS, cancel_tasks

RENEWALS_PER_LEASE: Final = 6
TOLERATED_SKEW: Final = 1 / 4
"""How far apart the repository's answers to `now` may be at one time, as a fraction of a lease.

Each router of a sharded MongoDB cluster answers by its own clock. The holder stops this long before
its deadline, so another caller that sees the deadline pass early does not work at the same time.
"""
_SAVE_ATTEMPTS: Final = 3
_RELEASED_ON: Final = (UnavailableError, StoreRefusedError, asyncio.CancelledError)
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.5
_STALE_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class NewLease:
    """A lease for one call, to be stored with the session; it starts at `now`.

    Two calls in one process have different leases, like two processes.
    """

    sessions: SessionRepository
    duration: timedelta
    terms: Lease
    now: datetime
    safe_until: float
    """When the holder must stop, by its event loop's clock: counted from before `now` was read, and
    earlier than the deadline by the tolerated skew."""

    def hold(self, session: UploadSession) -> LeasedSession:
        """Return the context manager for work on a session that is stored with this lease."""
        return LeasedSession(self.sessions, session, self.duration, self.safe_until)


async def new_lease(sessions: SessionRepository, duration: timedelta) -> NewLease:
    """Make a lease that begins at the repository's time."""
    safe_until = _safe_end(duration)
    now = await sessions.now()
    terms = Lease(holder=uuid4().hex, deadline=now + duration)
    return NewLease(sessions, duration, terms, now, safe_until)


@dataclass(slots=True)
class LeasedSession:
    """A session that only this caller may change; `session` is as last stored.

    Inside `async with`, a background task renews the lease. When it is lost, the body is cancelled
    until it ends, and the block raises StaleSessionError if another caller took over, or
    RepositoryUnavailableError if the lease could not be renewed in time. When the body is
    cancelled, or fails because a port is unavailable or the store refuses, the lease is
    released, so that a retry need not wait. After other errors the lease ends at its deadline.
    """

    sessions: SessionRepository
    session: UploadSession
    duration: timedelta
    _safe_until: float
    _renewal: asyncio.Task[None] | None = None
    _loss: Exception | None = None
    _is_over: bool = False
    _cancels: int = 0
    _cancels_before: int = 0

    async def __aenter__(self) -> Self:
        body = _current_task()
        self._cancels_before = body.cancelling()
        self._renewal = asyncio.create_task(self._renew_until_lost(body))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop_renewing()
        is_cancelled = self._undo_cancels()
        if self._loss is not None and not is_cancelled:
            error = self._loss
        if isinstance(error, _RELEASED_ON):
            await self._release()
        if self._loss is not None and not is_cancelled:
            raise self._loss from None

    async def finish(self, session: UploadSession) -> UploadSession:
        """Stop renewing the lease, and store the transition that ends the work.

        Raise StaleSessionError if another caller has taken over.
        """
        await self._stop_renewing()
        if self._loss is not None:
            raise self._loss
        return await self._save(session)

    async def _save(self, session: UploadSession) -> UploadSession:
        for _ in range(_SAVE_ATTEMPTS):
            try:
                # A renewal may have changed the version, but nothing else except the lease.
                self.session = await self.sessions.save(session.with_version(self.session.version))
            except StaleSessionError:
                # A renewal or an earlier attempt may have been stored, and its answer lost.
                await self._read_held()
            else:
                return self.session
        raise StaleSessionError

    async def _read_held(self) -> None:
        stored = await self.sessions.get(self.session.id)
        ours, theirs = self.session.lease, stored.lease
        if ours is None or theirs is None or ours.holder != theirs.holder:
            raise StaleSessionError
        self.session = stored

    async def _renew_until_lost(self, body: asyncio.Task[Any]) -> None:
        try:
            await self._renew_periodically()
        except Exception as loss:  # noqa: BLE001  # the block raises it
            self._loss = loss
        # More than once, for the reason given in cancel_tasks.
        while not self._is_over:
            self._cancels += 1
            body.cancel()
            await asyncio.sleep(CANCEL_AGAIN_SECONDS)

    async def _renew_periodically(self) -> NoReturn:
        try:
            async with asyncio.timeout_at(self._safe_until) as end:
                while True:
                    await asyncio.sleep(self.duration.total_seconds() / RENEWALS_PER_LEASE)
                    with suppress(UnavailableError):  # retried until the lease ends
                        await self._renew()
                    end.reschedule(self._safe_until)
        except TimeoutError:
            raise RepositoryUnavailableError from None

    async def _renew(self) -> None:
        safe_until = _safe_end(self.duration)
        deadline = await self.sessions.now() + self.duration
        await self._save(self.session.lease_renewed(deadline))
        self._safe_until = safe_until

    async def _stop_renewing(self) -> None:
        self._is_over = True
        if self._renewal is not None:
            await cancel_tasks([self._renewal])

    def _undo_cancels(self) -> bool:
        """Undo our own cancellations of the body; return whether others have cancelled it too."""
        body = _current_task()
        for _ in range(self._cancels):
            body.uncancel()
        return body.cancelling() > self._cancels_before

    async def _release(self) -> None:
        # Best effort: if the repository does not answer either, the lease ends at its deadline.
        if self.session.lease is not None:
            with suppress(UploadError):
                await self._save(self.session.lease_released())


class LeaseBackoff:
    """Pauses between attempts at a session that another caller holds, up to a time limit."""

    def __init__(self, wait: timedelta, observer: Observer = NO_OBSERVER) -> None:
        self._observer = observer
        self._give_up_at = _loop_time() + wait.total_seconds()
        self._next_pause = _FIRST_PAUSE
        self._stale_attempts = 0

    async def pause(self, error: LeaseHeldError | StaleSessionError) -> None:
        """Wait before the next attempt. Raise the error of this one if it was the last.

        Do not wait for a stale session, which can be read again at once, a few times.
        """
        if isinstance(error, StaleSessionError):
            self._stale_attempts += 1
            if self._stale_attempts == _STALE_ATTEMPTS:
                raise error
        else:
            if _loop_time() + self._next_pause > self._give_up_at:
                raise error
            if self._next_pause == _FIRST_PAUSE:
                self._observer.note_lease_wait()
            await asyncio.sleep(self._next_pause)
            self._next_pause = min(2 * self._next_pause, _LONGEST_PAUSE)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        msg = "only a task can hold a lease"
        raise RuntimeError(msg)
    return task


def _safe_end(duration: timedelta) -> float:
    return _loop_time() + duration.total_seconds() * (1 - TOLERATED_SKEW)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
