"""Leases exclude each other although routers tell different times, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.application.leases import (
    RENEWALS_PER_LEASE,
    TOLERATED_SKEW,
    LeasedSession,
    new_lease,
)
from multipart_upload.application.ports import ForwardingRepository, SessionRepository
from multipart_upload.domain.errors import (
    LeaseHeldError,
    RepositoryUnavailableError,
    StaleSessionError,
)
from multipart_upload.domain.session import UploadSession

from .crashes.virtual_time import VirtualTimeLoop
from .service import T0, new_service

LEASE: Final = timedelta(seconds=20)
SKEW: Final = TOLERATED_SKEW * LEASE
TICK: Final = 0.1
LONG: Final = 3600.0


def now_in_loop() -> float:
    return asyncio.get_running_loop().time()


class Routers(ForwardingRepository):
    """A cluster's routers: each answers by its own clock, and none of them when it is away."""

    def __init__(self, sessions: SessionRepository, offsets: list[timedelta], seed: int) -> None:
        super().__init__(sessions)
        self._offsets = offsets
        self._random = Random(seed)  # noqa: S311
        self.is_away = False

    async def now(self) -> datetime:
        self._require_answer()
        return T0 + timedelta(seconds=now_in_loop()) + self._random.choice(self._offsets)

    async def save(self, session: UploadSession) -> UploadSession:
        self._require_answer()
        return await super().save(session)

    def _require_answer(self) -> None:
        if self.is_away:
            raise RepositoryUnavailableError


class SilentRouters(Routers):
    """Routers that, when away, take what they are sent and never answer."""

    async def now(self) -> datetime:
        if self.is_away:
            await asyncio.sleep(LONG)
        return await super().now()


def run(scenario: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(scenario)


async def acquire(sessions: SessionRepository, session: UploadSession) -> LeasedSession:
    """Take the lease to complete a session."""
    lease = await new_lease(sessions, LEASE)
    return lease.hold(await sessions.save(session.completing(lease.terms, lease.now)))


async def take_over(sessions: SessionRepository, upload_id: str) -> float:
    """Try to take the lease again and again; return when that succeeded."""
    while True:
        session = await sessions.get(upload_id)
        try:
            await acquire(sessions, session)
        except (LeaseHeldError, StaleSessionError):
            await asyncio.sleep(TICK)
        else:
            return now_in_loop()


async def require_no_overlap(
    kind: type[Routers], offsets: list[timedelta], away_at: float, seed: int
) -> None:
    """Have a holder lose its repository, and another caller wait for the lease."""
    service = new_service()
    session = await service.upload_whole()
    routers = kind(service.sessions, offsets, seed)
    leased = await acquire(routers, session)
    worked_until = 0.0

    async def work() -> None:
        nonlocal worked_until
        async with leased:
            try:
                await asyncio.sleep(LONG)
            finally:
                worked_until = now_in_loop()

    working = asyncio.create_task(work())
    others = Routers(service.sessions, offsets, seed + 1)
    taking_over = asyncio.create_task(take_over(others, session.id))
    await asyncio.sleep(away_at)
    assert not taking_over.done(), "taken over while the lease was renewed"
    routers.is_away = True
    with pytest.raises(RepositoryUnavailableError):
        await working
    assert worked_until <= await taking_over


offsets_within_bound = st.lists(
    st.floats(0, 1).map(lambda fraction: fraction * SKEW), min_size=1, max_size=4
)


@given(
    offsets=offsets_within_bound,
    away_at=st.floats(0, 30),
    seed=st.integers(),
    kind=st.sampled_from([Routers, SilentRouters]),
)
def test_no_two_callers_work_at_once_while_routers_differ_by_the_bound(
    offsets: list[timedelta], away_at: float, seed: int, kind: type[Routers]
) -> None:
    run(require_no_overlap(kind, offsets, away_at, seed))


@pytest.mark.parametrize("kind", [Routers, SilentRouters])
def test_holder_stops_in_time_at_the_bound_itself(kind: type[Routers]) -> None:
    # Either router may answer the holder, and either the caller that takes over.
    for seed in range(8):
        run(require_no_overlap(kind, [timedelta(0), SKEW], 0.0, seed))


def test_holder_has_time_for_several_renewals_before_it_stops() -> None:
    assert (1 - TOLERATED_SKEW) * RENEWALS_PER_LEASE >= 3
