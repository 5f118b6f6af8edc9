"""Aborting an upload, and recovery from failures on the way."""

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
    ForbiddingStore,
    RepositoryFailing,
    SaveAnswerLost,
    StoreAnswersLost,
    UnavailableStore,
    YieldingRepository,
    YieldingStore,
)
from .proxies import StoreProxy
from .service import Service, SettableClock, reference_to


async def is_gone(service: Service, session: UploadSession) -> bool:
    opened = await service.bucket.list_uploads(session.key)
    return not opened and await service.bucket.head_object(session.key) is None


@pytest.mark.parametrize("parts", [0, 1])
async def test_an_aborted_upload_is_gone_from_the_store(service: Service, parts: int) -> None:
    session = await service.start_session()
    for number in range(1, parts + 1):
        await service.upload(session, number)
    aborted = await service.abort(reference_to(session))
    assert (aborted.state, aborted.lease) == (SessionState.ABORTED, None)
    assert await service.reload(session) == aborted
    assert await is_gone(service, session)


async def test_aborting_twice_changes_nothing(service: Service, clock: SettableClock) -> None:
    session = await service.upload_whole()
    aborted = await service.abort(reference_to(session))
    clock.advance(days=1)
    assert await service.abort(reference_to(session)) == aborted
    assert await service.reload(session) == aborted


async def test_aborted_upload_refuses_sign_record_and_complete(service: Service) -> None:
    session = await service.upload_whole()
    await service.abort(reference_to(session))
    address = reference_to(session)
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
async def test_refused_abort_changes_nothing(service: Service, state: SessionState) -> None:
    session = await service.upload_whole()
    session = await service.sessions.save(replace(session, state=state))
    with pytest.raises(TransitionError) as refusal:
        await service.abort(reference_to(session))
    assert refusal.value.extensions["status"] == state
    assert await service.reload(session) == session
    assert len(await service.bucket.list_parts(session.key, session.store_upload_id or "")) == 1


async def test_abort_is_refused_while_another_caller_completes(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    lease = Lease("another process", clock.now() + service.policy.lease)
    leased = await service.sessions.save(session.completing(lease, clock.now()))
    with pytest.raises(TransitionError, match="that is completing"):
        await service.abort(reference_to(session))
    assert await service.reload(session) == leased


@pytest.mark.parametrize("by", ["release", "deadline"])
async def test_interrupted_complete_can_be_aborted_after_its_lease(
    service: Service, clock: SettableClock, by: str
) -> None:
    session = await service.upload_whole()
    lease = Lease("another process", clock.now() + service.policy.lease)
    leased = session.completing(lease, clock.now())
    await service.sessions.save(leased.lease_released() if by == "release" else leased)
    clock.time = lease.deadline
    aborted = await service.abort(reference_to(session))
    assert aborted.state is SessionState.ABORTED
    assert await is_gone(service, session)


async def test_abort_after_a_committed_complete_completes_the_session(
    service: Service,
) -> None:
    session = await service.upload_whole()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=StoreAnswersLost(service.store)).complete(
            reference_to(session)
        )
    with pytest.raises(TransitionError, match="that is completed"):
        await service.abort(reference_to(session))
    done = await service.reload(session)
    assert (done.state, done.lease) == (SessionState.COMPLETED, None)
    assert done.result == await service.bucket.head_object(session.key)


async def test_abort_overtaken_by_a_complete_is_refused(
    service: Service,
) -> None:
    class CompletesUpload(StoreProxy):
        async def head_object(self, key: str) -> StoredObject | None:
            found = await super().head_object(key)
            if found is None:
                await service.complete(reference_to(session))
            return found

    session = await service.upload_whole()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=UnavailableStore(service.store)).complete(
            reference_to(session)
        )
    overtaken = replace(service, store=CompletesUpload(service.store))
    with pytest.raises(TransitionError, match="that is completed"):
        await overtaken.abort(reference_to(session))
    assert await service.bucket.head_object(session.key) is not None


async def test_a_refused_abort_can_be_repeated_at_once(service: Service) -> None:
    session = await service.upload_whole()
    forbidding = replace(service, store=ForbiddingStore(service.store, "abort_upload"))
    for _ in range(2):
        with pytest.raises(StoreRefusedError):
            await forbidding.abort(reference_to(session))
    left = await service.reload(session)
    assert (left.state, left.lease) == (SessionState.ABORTING, None)
    assert (await service.abort(reference_to(session))).state is SessionState.ABORTED


async def test_abort_after_completion_keeps_the_object(service: Service) -> None:
    session = await service.upload_whole()
    await service.complete(reference_to(session))
    with pytest.raises(TransitionError):
        await service.abort(reference_to(session))
    assert await service.bucket.head_object(session.key) is not None


async def test_aborting_state_is_saved_before_the_store_is_called(service: Service) -> None:
    found: list[UploadSession] = []

    class ReadsRow(StoreProxy):
        async def abort_upload(self, key: str, store_upload_id: str) -> None:
            found.append(await service.reload(session))
            await super().abort_upload(key, store_upload_id)

    session = await service.upload_whole()
    await replace(service, store=ReadsRow(service.store)).abort(reference_to(session))
    assert [(row.state, row.ending) for row in found] == [
        (SessionState.ABORTING, SessionState.ABORTED)
    ]
    assert found[0].lease is not None


@pytest.mark.parametrize("fault", [UnavailableStore, StoreAnswersLost])
async def test_retry_aborts_at_once_after_the_store_was_unavailable(
    service: Service, fault: type[StoreProxy]
) -> None:
    session = await service.upload_whole()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=fault(service.store)).abort(reference_to(session))
    left = await service.reload(session)
    assert (left.state, left.lease) == (SessionState.ABORTING, None)
    assert (await service.abort(reference_to(session))).state is SessionState.ABORTED
    assert await is_gone(service, session)


async def test_retry_aborts_after_the_lease_when_the_repository_failed(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    failing = RepositoryFailing(service.sessions, SessionState.ABORTED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=failing).abort(reference_to(session))
    with pytest.raises(LeaseHeldError) as refusal:
        await service.abort(reference_to(session))
    assert refusal.value.retry_after == service.policy.lease.total_seconds()
    clock.advance(seconds=refusal.value.retry_after)
    assert (await service.abort(reference_to(session))).state is SessionState.ABORTED


async def test_final_state_holds_though_the_answer_to_its_save_was_lost(service: Service) -> None:
    session = await service.upload_whole()
    lost = SaveAnswerLost(service.sessions, SessionState.ABORTED, RepositoryUnavailableError)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=lost).abort(reference_to(session))
    ended = await service.reload(session)
    assert (ended.state, ended.lease) == (SessionState.ABORTED, None)
    assert await service.abort(reference_to(session)) == ended


async def test_interrupted_expiry_ends_as_expired(service: Service, clock: SettableClock) -> None:
    session = await service.upload_whole()
    expired = Lease("a sweep", clock.now())
    await service.sessions.save(session.expiring(expired, clock.now()))
    assert (await service.abort(reference_to(session))).state is SessionState.EXPIRED
    assert await is_gone(service, session)


async def test_interrupted_expiry_of_a_never_opened_upload_ends_as_expired(
    service: Service, clock: SettableClock
) -> None:
    session = await service.start_session()
    never_opened = replace(session, state=SessionState.PENDING, store_upload_id=None)
    pending = await service.sessions.save(never_opened)
    expired = Lease("a sweep", clock.now())
    await service.sessions.save(pending.expiring(expired, clock.now()))
    assert (await service.abort(reference_to(session))).state is SessionState.EXPIRED


async def test_one_of_many_concurrent_aborts_wins_and_the_others_must_retry(
    service: Service,
) -> None:
    session = await service.upload_whole()
    racing = replace(
        service,
        sessions=YieldingRepository(service.sessions, repeat(1)),
        store=YieldingStore(service.store, repeat(1)),
    )
    outcomes = await asyncio.gather(
        *(racing.abort(reference_to(session)) for _ in range(20)), return_exceptions=True
    )
    done = [outcome for outcome in outcomes if isinstance(outcome, UploadSession)]
    assert [outcome.state for outcome in done] == [SessionState.ABORTED]
    waiting = {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)}
    assert waiting <= {LeaseHeldError, StaleSessionError}
    assert await service.abort(reference_to(session)) == done[0]
