"""Leases: renewal, loss, release, waiting. In virtual time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from multipart_upload.application.leases import LeasedSession, new_lease
from multipart_upload.application.ports import ForwardingRepository, SessionRepository
from multipart_upload.domain.errors import (
    LeaseHeldError,
    RepositoryUnavailableError,
    StaleSessionError,
    StoreRefusedError,
    StoreUnavailableError,
    UploadError,
)
from multipart_upload.domain.session import Lease, SessionState, StoredObject, UploadSession

from .service import BODY, T0, Service, new_service, reference_to

LEASE: Final = timedelta(milliseconds=150)
LONGER: Final = 3 * LEASE.total_seconds()


pytestmark = pytest.mark.virtual_time


class RunningClock:
    """Follows the event loop's time."""

    def now(self) -> datetime:
        return T0 + timedelta(seconds=loop_time())


def loop_time() -> float:
    return asyncio.get_running_loop().time()


class Renewals(ForwardingRepository):
    """Gives the running time, counts renewals, and fails them while `away`."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.sessions)
        self.renewed = 0
        self.away = False

    async def now(self) -> datetime:
        return RunningClock().now()

    async def save(self, session: UploadSession) -> UploadSession:
        stored = await self.get(session.id)
        is_renewal = (
            stored.lease is not None
            and session.lease is not None
            and stored.lease.holder == session.lease.holder
        )
        if is_renewal and self.away:
            raise RepositoryUnavailableError
        self.renewed += is_renewal
        return await super().save(session)


@pytest.fixture
def sessions(service: Service) -> Renewals:
    return Renewals(service)


async def acquire(sessions: SessionRepository, session: UploadSession) -> LeasedSession:
    """Take the lease to complete a session."""
    lease = await new_lease(sessions, LEASE)
    return lease.hold(await sessions.save(session.completing(lease.terms, lease.now)))


@pytest.fixture
async def leased(service: Service, sessions: Renewals) -> LeasedSession:
    return await acquire(sessions, await service.upload_whole())


async def test_a_lease_is_renewed_while_the_work_goes_on(
    service: Service, sessions: Renewals, leased: LeasedSession
) -> None:
    first = leased.session.lease
    async with leased:
        await asyncio.sleep(LONGER)
    assert sessions.renewed >= 6
    last = (await service.reload(leased.session)).lease
    assert first is not None
    assert last is not None
    assert last.holder == first.holder
    assert last.deadline > first.deadline + LEASE


async def test_no_other_caller_takes_over_while_it_is_renewed(
    service: Service, sessions: Renewals, leased: LeasedSession
) -> None:
    async with leased:
        await asyncio.sleep(2 * LEASE.total_seconds())
        with pytest.raises(LeaseHeldError):
            await acquire(sessions, await service.reload(leased.session))
        await asyncio.sleep(LEASE.total_seconds())


async def test_a_transition_is_stored_after_renewals(
    service: Service, leased: LeasedSession
) -> None:
    async with leased as held:
        before = held.session
        await asyncio.sleep(LONGER)
        # Made before the renewals: the version has moved since, and nothing else.
        moved = await held.finish(before.completion_refused(RunningClock().now()))
    assert moved == await service.reload(moved)
    assert moved.state is SessionState.IN_PROGRESS


async def test_a_lease_is_not_renewed_once_the_work_is_finished(
    sessions: Renewals, leased: LeasedSession
) -> None:
    async with leased as held:
        await held.finish(held.session.completion_refused(RunningClock().now()))
        await asyncio.sleep(LONGER)
    assert not sessions.renewed


async def test_a_renewal_whose_answer_was_lost_does_not_cost_the_lease(
    service: Service, leased: LeasedSession
) -> None:
    stored = await service.reload(leased.session)
    assert stored.lease is not None
    await service.sessions.save(stored.lease_renewed(stored.lease.deadline + LEASE))
    async with leased as held:
        moved = await held.finish(held.session.completion_refused(RunningClock().now()))
    assert moved == await service.reload(moved)


async def test_a_caller_that_takes_over_stops_the_work_of_the_former_holder(
    service: Service, leased: LeasedSession
) -> None:
    stopped = asyncio.Event()

    async def work() -> None:
        async with leased:
            try:
                await asyncio.sleep(10 * LONGER)
            finally:
                stopped.set()

    stored = await service.reload(leased.session)
    other = await service.sessions.save(stored.lease_released())
    with pytest.raises(StaleSessionError):
        await work()
    assert stopped.is_set()
    assert await service.reload(leased.session) == other


async def test_losing_the_lease_leaves_no_cancellation_behind(
    service: Service, leased: LeasedSession
) -> None:
    await service.sessions.save((await service.reload(leased.session)).lease_released())
    with pytest.raises(StaleSessionError):
        async with leased:
            await asyncio.sleep(10 * LONGER)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_work_that_swallows_cancellations_ends_once_the_lease_is_lost(
    service: Service, leased: LeasedSession
) -> None:
    await service.sessions.save((await service.reload(leased.session)).lease_released())

    async def work() -> None:
        async with leased as held:
            for _ in range(3):
                with suppress(asyncio.CancelledError):  # as asyncio.wait_for may in Python 3.11
                    await asyncio.sleep(10 * LONGER)
            await held.finish(held.session.completion_refused(RunningClock().now()))

    with pytest.raises(StaleSessionError):
        await work()
    assert (await service.reload(leased.session)).state is SessionState.COMPLETING


async def test_a_cancellation_by_others_wins_over_the_loss_of_the_lease(
    service: Service, leased: LeasedSession
) -> None:
    await service.sessions.save((await service.reload(leased.session)).lease_released())
    lost = asyncio.Event()

    async def work() -> None:
        async with leased:
            try:
                await asyncio.sleep(10 * LONGER)
            finally:
                lost.set()
                await asyncio.sleep(LONGER)

    working = asyncio.create_task(work())
    await lost.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


@pytest.mark.parametrize("lease", [None, Lease("another", datetime(2027, 1, 1, tzinfo=UTC))])
async def test_a_former_holder_stores_nothing(
    service: Service, leased: LeasedSession, lease: Lease | None
) -> None:
    stored = await service.reload(leased.session)
    other = await service.sessions.save(replace(stored, lease=lease))
    with pytest.raises(StaleSessionError):
        async with leased as held:
            await held.finish(held.session.completion_refused(RunningClock().now()))
    assert await service.reload(leased.session) == other


async def test_without_a_repository_the_work_goes_on_until_the_lease_ends(
    sessions: Renewals, leased: LeasedSession
) -> None:
    sessions.away = True
    half_done = asyncio.Event()

    async def work() -> None:
        async with leased:
            await asyncio.sleep(LEASE.total_seconds() / 2)
            half_done.set()
            await asyncio.sleep(10 * LONGER)

    with pytest.raises(RepositoryUnavailableError):
        await work()
    assert half_done.is_set()


@pytest.mark.parametrize(
    "error", [StoreUnavailableError, RepositoryUnavailableError, StoreRefusedError("AccessDenied")]
)
async def test_the_lease_is_released_when_a_port_is_away_or_refuses(
    service: Service, leased: LeasedSession, error: type[UploadError] | UploadError
) -> None:
    with pytest.raises(UploadError):
        async with leased:
            raise error
    assert (await service.reload(leased.session)).lease is None


async def test_the_lease_is_released_when_the_work_is_cancelled(
    service: Service, leased: LeasedSession
) -> None:
    async def work() -> None:
        async with leased:
            await asyncio.sleep(LONGER)

    working = asyncio.create_task(work())
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (await service.reload(leased.session)).lease is None


async def test_other_errors_leave_the_lease_to_its_deadline(
    service: Service, leased: LeasedSession
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with leased:
            raise ZeroDivisionError
    assert (await service.reload(leased.session)).lease == leased.session.lease


async def test_a_second_caller_waits_for_the_result_of_the_first() -> None:
    service = new_service()
    session = await service.upload_whole()
    patient = replace(service, policy=replace(service.policy, wait=timedelta(seconds=10)))
    held = await acquire(service.sessions, session)
    second = asyncio.create_task(patient.complete(reference_to(session)))
    await asyncio.sleep(0.2)
    assert not second.done()
    result = StoredObject(location="memory:x", etag="e", size=len(BODY), upload_id=session.id)
    done = await held.finish(held.session.completed(result, service.clock.now(), LEASE))
    assert await second == done


async def test_a_second_caller_waits_no_longer_than_the_limit(service: Service) -> None:
    session = await service.upload_whole()
    await acquire(service.sessions, session)
    waiting = replace(service, policy=replace(service.policy, wait=timedelta(milliseconds=300)))
    started = loop_time()
    with pytest.raises(LeaseHeldError):
        await waiting.complete(reference_to(session))
    assert 0.1 < loop_time() - started <= 0.5


async def test_a_second_abort_waits_as_well() -> None:
    service = new_service()
    session = await service.upload_whole()
    patient = replace(service, policy=replace(service.policy, wait=timedelta(seconds=10)))
    lease = await new_lease(service.sessions, LEASE)
    held = lease.hold(await service.sessions.save(session.aborting(lease.terms, lease.now)))
    second = asyncio.create_task(patient.abort(reference_to(session)))
    await asyncio.sleep(0.1)
    ended = await held.finish(held.session.ended(service.clock.now(), LEASE))
    assert await second == ended
