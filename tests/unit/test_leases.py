"""Having a session for oneself: renewal, loss, giving back, waiting. In virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from multipart_upload.application.leases import LeasedSession
from multipart_upload.domain.errors import (
    LeaseHeldError,
    RepositoryUnavailableError,
    StaleSessionError,
    StoreUnavailableError,
)
from multipart_upload.domain.session import Lease, SessionState, StoredObject, UploadSession

from .proxies import RepositoryProxy
from .service import BODY, T0, Service, address_of, new_service

LEASE: Final = timedelta(milliseconds=150)
LONGER: Final = 3 * LEASE.total_seconds()


pytestmark = pytest.mark.virtual_time


class RunningClock:
    """Goes on as the event loop's time does."""

    def now(self) -> datetime:
        return T0 + timedelta(seconds=loop_time())


def loop_time() -> float:
    return asyncio.get_running_loop().time()


class Renewals(RepositoryProxy):
    """Tells the running time, counts renewals, and fails them when told."""

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


@pytest.fixture
async def held(service: Service, sessions: Renewals) -> LeasedSession:
    session = await service.uploaded()
    return await LeasedSession.claimed(sessions, LEASE, session.completing)


async def long_work() -> str:
    await asyncio.sleep(LONGER)
    return "done"


async def test_a_lease_is_renewed_while_the_work_goes_on(
    service: Service, sessions: Renewals, held: LeasedSession
) -> None:
    first = held.session.lease
    assert await held.working(long_work()) == "done"
    assert sessions.renewed >= 6
    last = (await service.now(held.session)).lease
    assert first is not None
    assert last is not None
    assert last.holder == first.holder
    assert last.deadline > first.deadline + LEASE


async def test_nobody_takes_over_while_it_is_renewed(
    service: Service, sessions: Renewals, held: LeasedSession
) -> None:
    working = asyncio.create_task(held.working(long_work()))
    await asyncio.sleep(2 * LEASE.total_seconds())
    session = await service.now(held.session)
    with pytest.raises(LeaseHeldError):
        await LeasedSession.claimed(sessions, LEASE, session.completing)
    assert await working == "done"


async def test_after_renewals_a_step_is_stored_all_the_same(
    service: Service, held: LeasedSession
) -> None:
    await held.working(long_work())
    moved = await held.moved(lambda session: session.completion_refused(RunningClock().now()))
    assert moved == await service.now(held.session)
    assert moved.state is SessionState.IN_PROGRESS


async def test_a_renewal_whose_answer_was_lost_does_not_cost_the_lease(
    service: Service, held: LeasedSession
) -> None:
    stored = await service.now(held.session)
    assert stored.lease is not None
    await service.sessions.save(stored.lease_renewed(stored.lease.deadline + LEASE))
    moved = await held.moved(lambda session: session.completion_refused(RunningClock().now()))
    assert moved == await service.now(held.session)


async def test_who_took_over_stops_the_work_of_who_was_slow(
    service: Service, held: LeasedSession
) -> None:
    stopped = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(10 * LONGER)
        finally:
            stopped.set()

    stored = await service.now(held.session)
    other = await service.sessions.save(stored.lease_released())
    with pytest.raises(StaleSessionError):
        await held.working(work())
    assert stopped.is_set()
    assert await service.now(held.session) == other


@pytest.mark.parametrize("lease", [None, Lease("another", datetime(2027, 1, 1, tzinfo=UTC))])
async def test_who_was_overtaken_stores_nothing(
    service: Service, held: LeasedSession, lease: Lease | None
) -> None:
    stored = await service.now(held.session)
    other = await service.sessions.save(replace(stored, lease=lease))
    with pytest.raises(StaleSessionError):
        await held.moved(lambda session: session.completion_refused(RunningClock().now()))
    assert await service.now(held.session) == other


async def test_without_a_repository_the_work_goes_on_to_the_end_of_the_lease_and_no_further(
    sessions: Renewals, held: LeasedSession
) -> None:
    sessions.away = True
    quick = asyncio.create_task(asyncio.sleep(LEASE.total_seconds() / 2, "done"))
    assert await held.working(asyncio.wait_for(quick, 1)) == "done"
    with pytest.raises(RepositoryUnavailableError):
        await held.working(asyncio.sleep(10 * LONGER))


@pytest.mark.parametrize("error", [StoreUnavailableError, RepositoryUnavailableError])
async def test_when_the_outcome_is_unknown_the_lease_is_given_back(
    service: Service, held: LeasedSession, error: type[Exception]
) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(error):
        await held.working(work())
    assert (await service.now(held.session)).lease is None


async def test_who_is_stopped_gives_the_lease_back(service: Service, held: LeasedSession) -> None:
    working = asyncio.create_task(held.working(long_work()))
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (await service.now(held.session)).lease is None


async def test_what_the_work_finds_out_is_raised_with_the_lease_still_held(
    service: Service, held: LeasedSession
) -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await held.working(work())
    assert (await service.now(held.session)).lease == held.session.lease


async def test_a_second_caller_waits_for_the_result_of_the_first() -> None:
    service = new_service()
    session = await service.uploaded()
    patient = replace(service, policy=replace(service.policy, wait=timedelta(seconds=10)))
    held = await LeasedSession.claimed(service.sessions, LEASE, session.completing)
    second = asyncio.create_task(patient.complete(address_of(session)))
    await asyncio.sleep(0.2)
    assert not second.done()
    result = StoredObject(location="memory:x", etag="e", size=len(BODY), upload_id=session.id)
    done = await held.moved(lambda session: session.completed(result, service.clock.now(), LEASE))
    assert await second == done


async def test_it_waits_no_longer_than_it_was_told(service: Service) -> None:
    session = await service.uploaded()
    await LeasedSession.claimed(service.sessions, service.policy.lease, session.completing)
    waiting = replace(service, policy=replace(service.policy, wait=timedelta(milliseconds=300)))
    started = loop_time()
    with pytest.raises(LeaseHeldError):
        await waiting.complete(address_of(session))
    assert 0.1 < loop_time() - started <= 0.5


async def test_a_second_abort_waits_as_well() -> None:
    service = new_service()
    session = await service.uploaded()
    patient = replace(service, policy=replace(service.policy, wait=timedelta(seconds=10)))
    held = await LeasedSession.claimed(service.sessions, LEASE, session.aborting)
    second = asyncio.create_task(patient.abort(address_of(session)))
    await asyncio.sleep(0.1)
    ended = await held.moved(lambda session: session.ended(service.clock.now(), LEASE))
    assert await second == ended
