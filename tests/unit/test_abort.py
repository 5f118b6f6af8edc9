"""Throwing an upload away, and what a failure on the way leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import repeat

import pytest

from multipart_upload.domain.errors import (
    LeaseHeldError,
    RepositoryUnavailableError,
    StaleSessionError,
    StoreRefusedError,
    StoreUnavailableError,
    TransitionError,
)
from multipart_upload.domain.session import Lease, SessionState, StoredObject, UploadSession

from .faults import (
    RepositoryDying,
    SaveAnswerLost,
    StoreAnswersLost,
    StoreAway,
    StoreForbidding,
    YieldingRepository,
    YieldingStore,
)
from .proxies import StoreProxy
from .service import Service, SettableClock, address_of


async def is_gone(service: Service, session: UploadSession) -> bool:
    opened = await service.bucket.list_uploads(session.key)
    return not opened and await service.bucket.head_object(session.key) is None


@pytest.mark.parametrize("parts", [0, 1])
async def test_an_aborted_upload_is_gone_from_the_store(service: Service, parts: int) -> None:
    session = await service.started()
    for number in range(1, parts + 1):
        await service.upload(session, number)
    aborted = await service.abort(address_of(session))
    assert (aborted.state, aborted.lease) == (SessionState.ABORTED, None)
    assert await service.now(session) == aborted
    assert await is_gone(service, session)


async def test_aborting_twice_changes_nothing(service: Service, clock: SettableClock) -> None:
    session = await service.uploaded()
    aborted = await service.abort(address_of(session))
    clock.advance(days=1)
    assert await service.abort(address_of(session)) == aborted
    assert await service.now(session) == aborted


async def test_nothing_is_signed_recorded_or_completed_after_an_abort(service: Service) -> None:
    session = await service.uploaded()
    await service.abort(address_of(session))
    address = address_of(session)
    for late in (
        service.sign(address, 1),
        service.record(address, 1, "e1"),
        service.complete(address),
    ):
        with pytest.raises(TransitionError, match="that is aborted"):
            await late
    assert await is_gone(service, session)


@pytest.mark.parametrize(
    "state",
    [
        SessionState.PENDING,
        SessionState.COMPLETED,
        SessionState.EXPIRED,
    ],
)
async def test_what_cannot_be_aborted_stays_as_it_is(service: Service, state: SessionState) -> None:
    session = await service.uploaded()
    session = await service.sessions.save(replace(session, state=state))
    with pytest.raises(TransitionError) as refusal:
        await service.abort(address_of(session))
    assert refusal.value.extensions["status"] == state
    assert await service.now(session) == session
    assert len(await service.bucket.list_parts(session.key, session.store_upload_id or "")) == 1


async def test_while_another_caller_completes_it_it_cannot_be_aborted(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    lease = Lease("another process", clock.now() + service.policy.lease)
    leased = await service.sessions.save(session.completing(lease, clock.now()))
    with pytest.raises(TransitionError, match="that is completing"):
        await service.abort(address_of(session))
    assert await service.now(session) == leased


@pytest.mark.parametrize("by", ["release", "deadline"])
async def test_an_interrupted_complete_can_be_aborted_once_its_lease_has_ended(
    service: Service, clock: SettableClock, by: str
) -> None:
    session = await service.uploaded()
    lease = Lease("another process", clock.now() + service.policy.lease)
    leased = session.completing(lease, clock.now())
    await service.sessions.save(leased.lease_released() if by == "release" else leased)
    clock.time = lease.deadline
    aborted = await service.abort(address_of(session))
    assert aborted.state is SessionState.ABORTED
    assert await is_gone(service, session)


async def test_an_abort_after_a_complete_that_has_committed_completes_the_session(
    service: Service,
) -> None:
    session = await service.uploaded()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=StoreAnswersLost(service.store)).complete(address_of(session))
    with pytest.raises(TransitionError, match="that is completed"):
        await service.abort(address_of(session))
    done = await service.now(session)
    assert (done.state, done.lease) == (SessionState.COMPLETED, None)
    assert done.result == await service.bucket.head_object(session.key)


async def test_a_complete_that_begins_meanwhile_keeps_the_upload_from_an_abort(
    service: Service,
) -> None:
    class CompletedMeanwhile(StoreProxy):
        async def head_object(self, key: str) -> StoredObject | None:
            found = await super().head_object(key)
            if found is None:
                await service.complete(address_of(session))
            return found

    session = await service.uploaded()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=StoreAway(service.store)).complete(address_of(session))
    overtaken = replace(service, store=CompletedMeanwhile(service.store))
    with pytest.raises(TransitionError, match="that is completed"):
        await overtaken.abort(address_of(session))
    assert await service.bucket.head_object(session.key) is not None


async def test_a_refused_abort_can_be_repeated_at_once(service: Service) -> None:
    session = await service.uploaded()
    forbidding = replace(service, store=StoreForbidding(service.store, "abort_upload"))
    for _ in range(2):
        with pytest.raises(StoreRefusedError):
            await forbidding.abort(address_of(session))
    left = await service.now(session)
    assert (left.state, left.lease) == (SessionState.ABORTING, None)
    assert (await service.abort(address_of(session))).state is SessionState.ABORTED


async def test_an_object_outlives_an_abort_that_comes_too_late(service: Service) -> None:
    session = await service.uploaded()
    await service.complete(address_of(session))
    with pytest.raises(TransitionError):
        await service.abort(address_of(session))
    assert await service.bucket.head_object(session.key) is not None


async def test_the_intent_is_stored_before_the_store_is_asked(service: Service) -> None:
    found: list[UploadSession] = []

    class LooksForTheRow(StoreProxy):
        async def abort_upload(self, key: str, store_upload_id: str) -> None:
            found.append(await service.now(session))
            await super().abort_upload(key, store_upload_id)

    session = await service.uploaded()
    await replace(service, store=LooksForTheRow(service.store)).abort(address_of(session))
    assert [(row.state, row.ending) for row in found] == [
        (SessionState.ABORTING, SessionState.ABORTED)
    ]
    assert found[0].lease is not None


@pytest.mark.parametrize("fault", [StoreAway, StoreAnswersLost])
async def test_when_the_store_does_not_answer_a_retry_ends_it_at_once(
    service: Service, fault: type[StoreProxy]
) -> None:
    session = await service.uploaded()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=fault(service.store)).abort(address_of(session))
    left = await service.now(session)
    assert (left.state, left.lease) == (SessionState.ABORTING, None)
    assert (await service.abort(address_of(session))).state is SessionState.ABORTED
    assert await is_gone(service, session)


async def test_when_the_repository_dies_too_a_retry_ends_it_after_the_lease(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    dying = RepositoryDying(service.sessions, SessionState.ABORTED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=dying).abort(address_of(session))
    with pytest.raises(LeaseHeldError) as refusal:
        await service.abort(address_of(session))
    assert refusal.value.retry_after == service.policy.lease.total_seconds()
    clock.advance(seconds=refusal.value.retry_after)
    assert (await service.abort(address_of(session))).state is SessionState.ABORTED


async def test_an_end_that_was_saved_though_its_answer_was_lost_is_final(service: Service) -> None:
    session = await service.uploaded()
    lost = SaveAnswerLost(service.sessions, SessionState.ABORTED, RepositoryUnavailableError)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=lost).abort(address_of(session))
    ended = await service.now(session)
    assert (ended.state, ended.lease) == (SessionState.ABORTED, None)
    assert await service.abort(address_of(session)) == ended


async def test_an_expiry_that_stopped_halfway_is_ended_as_one(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    dead = Lease("a sweep", clock.now())
    await service.sessions.save(session.expiring(dead, clock.now()))
    assert (await service.abort(address_of(session))).state is SessionState.EXPIRED
    assert await is_gone(service, session)


async def test_an_expiry_of_what_the_store_never_opened_is_ended_too(
    service: Service, clock: SettableClock
) -> None:
    session = await service.started()
    never_opened = replace(session, state=SessionState.PENDING, store_upload_id=None)
    pending = await service.sessions.save(never_opened)
    dead = Lease("a sweep", clock.now())
    await service.sessions.save(pending.expiring(dead, clock.now()))
    assert (await service.abort(address_of(session))).state is SessionState.EXPIRED


async def test_of_many_aborts_at_once_one_does_it_and_the_others_are_told_to_wait(
    service: Service,
) -> None:
    session = await service.uploaded()
    racing = replace(
        service,
        sessions=YieldingRepository(service.sessions, repeat(1)),
        store=YieldingStore(service.store, repeat(1)),
    )
    outcomes = await asyncio.gather(
        *(racing.abort(address_of(session)) for _ in range(20)), return_exceptions=True
    )
    done = [outcome for outcome in outcomes if isinstance(outcome, UploadSession)]
    assert [outcome.state for outcome in done] == [SessionState.ABORTED]
    waiting = {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)}
    assert waiting <= {LeaseHeldError, StaleSessionError}
    assert await service.abort(address_of(session)) == done[0]
