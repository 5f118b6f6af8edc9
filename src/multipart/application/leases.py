"""Work on a session that nobody else may do at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn, Self, TypeVar
from uuid import uuid4

from ..domain.errors import (
    RepositoryUnavailableError,
    StaleSessionError,
    StoreRefusedError,
    UnavailableError,
    UploadError,
)
from ..domain.session import Lease, UploadSession
from .ports import SessionRepository
from .task_cancellation import cancel_tasks

T = TypeVar("T")

RENEWALS_PER_LEASE: Final = 6
TOLERATED_SKEW: Final = 1 / 4
"""How far apart the repository's answers to `now` may be at one time, as a fraction of a lease.

The routers of a sharded MongoDB cluster answer each by its own clock. The holder stops working this
much before its deadline, so a caller that sees the deadline pass early does not work beside it.
"""
_ATTEMPTS: Final = 3


def new_lease(now: datetime, duration: timedelta) -> Lease:
    """Make a lease for one call: two calls in one process are as foreign as two processes."""
    return Lease(holder=uuid4().hex, deadline=now + duration)


@dataclass(slots=True)
class LeasedSession:
    """A session that one caller has for itself; `session` is as last stored.

    The lease runs by the repository's clock. `_safe_until` is when the holder stops working, by its
    event loop's own clock: counted from before the repository was asked, and earlier than the
    deadline by the tolerated skew.
    """

    sessions: SessionRepository
    session: UploadSession
    duration: timedelta
    _safe_until: float

    @classmethod
    async def claimed(
        cls,
        sessions: SessionRepository,
        duration: timedelta,
        claim: Callable[[Lease, datetime], UploadSession],
    ) -> Self:
        """Store the claim that the caller makes with a new lease.

        Raise what the claim raises, and StaleSessionError if somebody else was faster.
        """
        safe_until = _safe_end(duration)
        now = await sessions.now()
        session = await sessions.save(claim(new_lease(now, duration), now))
        return cls(sessions, session, duration, safe_until)

    @classmethod
    async def added(
        cls,
        sessions: SessionRepository,
        duration: timedelta,
        made: Callable[[datetime], UploadSession],
    ) -> Self:
        """Store the new session that is made at the repository's time, its upload to be opened.

        Raise StaleSessionError if its id is taken.
        """
        safe_until = _safe_end(duration)
        now = await sessions.now()
        session = made(now).opening(new_lease(now, duration), now)
        await sessions.add(session)
        return cls(sessions, session, duration, safe_until)

    async def working(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work while the lease is renewed, and stop it when the lease is lost.

        What the work finds out is stored by `moved`, afterwards: nothing is renewed by then, and
        most of the lease is left. Raise what the work raises, StaleSessionError if somebody took
        over, and RepositoryUnavailableError if the lease could not be renewed in time.
        When the outcome is unknown, or the store refuses, the lease is released, so that a retry
        need not wait for its end.
        """
        tasks = asyncio.create_task(work), asyncio.create_task(self._renewing())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return tasks[0].result() if tasks[0].done() else tasks[1].result()
        except (UnavailableError, StoreRefusedError, asyncio.CancelledError):
            await cancel_tasks(tasks)
            await self._given_back()
            raise
        finally:
            await cancel_tasks(tasks)

    async def moved(self, step: Callable[[UploadSession], UploadSession]) -> UploadSession:
        """Store a step of the session as long as it is held. Raise StaleSessionError if it is not.

        A renewal whose answer was lost has moved the version: then it is read again.
        """
        for _ in range(_ATTEMPTS):
            try:
                self.session = await self.sessions.save(step(self.session))
            except StaleSessionError:
                await self._require_held()
            else:
                return self.session
        raise StaleSessionError

    async def _require_held(self) -> None:
        stored = await self.sessions.get(self.session.id)
        held, now = self.session.lease, stored.lease
        if held is None or now is None or now.holder != held.holder:
            raise StaleSessionError
        self.session = stored

    async def _renewing(self) -> NoReturn:
        try:
            async with asyncio.timeout_at(self._safe_until) as end:
                while True:
                    await asyncio.sleep(self.duration.total_seconds() / RENEWALS_PER_LEASE)
                    with suppress(UnavailableError):  # tried again until the lease runs out
                        await self._renew()
                    end.reschedule(self._safe_until)
        except TimeoutError:
            raise RepositoryUnavailableError from None

    async def _renew(self) -> None:
        safe_until = _safe_end(self.duration)
        deadline = await self.sessions.now() + self.duration
        await self.moved(lambda session: session.lease_renewed(deadline))
        self._safe_until = safe_until

    async def _given_back(self) -> None:
        # Best effort: where the repository is away too, the deadline frees the session.
        with suppress(UploadError):
            await self.moved(UploadSession.lease_released)


def _safe_end(duration: timedelta) -> float:
    return asyncio.get_running_loop().time() + duration.total_seconds() * (1 - TOLERATED_SKEW)
