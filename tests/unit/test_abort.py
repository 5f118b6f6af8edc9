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


async def test_aborted_upload_refuses_sign_record_and_complete(service: Service) -> None:
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
async def test_refused_abort_changes_nothing(service: Service, state: SessionState) -> None:
    session = await service.uploaded()
    session = await service.sessions.save(replace(session, state=state))
    with pytest.raises(TransitionError) as refusal:
        await service.abort(address_of(session))
    assert refusal.value.extensions["status"] == state
    assert await service.now(session) == session
    assert len(await service.bucket.list_parts(session.key, session.store_upload_id or "")) == 1


async def test_abort_is_refused_while_another_caller_completes(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    lease = Lease("another process", clock.now() + service.policy.lease)
    leased = await service.sessions.save(session.completing(lease, clock.now()))
    with pytest.raises(TransitionError, match="that is completing"):
        await service.abort(address_of(session))
    assert await service.now(session) == leased


@pytest.mark.parametrize("by", ["release", "deadline"])
async def test_interrupted_complete_can_be_aborted_after_its_lease(
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


async def test_abort_after_a_committed_complete_completes_the_session(
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


async def test_abort_overtaken_by_a_complete_is_refused(
    service: Service,
) -> None:
    class CompletesUpload(StoreProxy):
        async def head_object(self, key: str) -> StoredObject | None:
            found = await super().head_object(key)
            if found is None:
                await service.complete(address_of(session))
            return found

    session = await service.uploaded()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=UnavailableStore(service.store)).complete(address_of(session))
    overtaken = replace(service, store=CompletesUpload(service.store))
    with pytest.raises(TransitionError, match="that is completed"):
        await overtaken.abort(address_of(session))
    assert await service.bucket.head_object(session.key) is not None


async def test_a_refused_abort_can_be_repeated_at_once(service: Service) -> None:
    session = await service.uploaded()
    forbidding = replace(service, store=ForbiddingStore(service.store, "abort_upload"))
    for _ in range(2):
        with pytest.raises(StoreRefusedError):
            await forbidding.abort(address_of(session))
    left = await service.now(session)
    assert (left.state, left.lease) == (SessionState.ABORTING, None)
    assert (await service.abort(address_of(session))).state is SessionState.ABORTED


async def test_abort_after_completion_keeps_the_object(service: Service) -> None:
    session = await service.uploaded()
    await service.complete(address_of(session))
    with pytest.raises(TransitionError):
        await service.abort(address_of(session))
    assert await service.bucket.head_object(session.key) is not None


async def test_aborting_state_is_saved_before_the_store_is_called(service: Service) -> None:
    found: list[UploadSession] = []

    class ReadsRow(StoreProxy):
        async def abort_upload(self, key: str, store_upload_id: str) -> None:
            found.append(await service.now(session))
            await super().abort_upload(key, store_upload_id)

    session = await service.uploaded()
    await replace(service, store=ReadsRow(service.store)).abort(address_of(session))
    assert [(row.state, row.ending) for row in found] == [
        (SessionState.ABORTING, SessionState.ABORTED)
    ]
    assert found[0].lease is not None


@pytest.mark.parametrize("fault", [UnavailableStore, StoreAnswersLost])
async def test_retry_aborts_at_once_after_the_store_was_unavailable(
    service: Service, fault: type[StoreProxy]
) -> None:
    session = await service.uploaded()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=fault(service.store)).abort(address_of(session))
    left = await service.now(session)
    assert (left.state, left.lease) == (SessionState.ABORTING, None)
    assert (await service.abort(address_of(session))).state is SessionState.ABORTED
    assert await is_gone(service, session)


async def test_retry_aborts_after_the_lease_when_the_repository_failed(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    failing = RepositoryFailing(service.sessions, SessionState.ABORTED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=failing).abort(address_of(session))
    with pytest.raises(LeaseHeldError) as refusal:
        await service.abort(address_of(session))
    assert refusal.value.retry_after == service.policy.lease.total_seconds()
    clock.advance(seconds=refusal.value.retry_after)
    assert (await service.abort(address_of(session))).state is SessionState.ABORTED


async def test_final_state_holds_though_the_answer_to_its_save_was_lost(service: Service) -> None:
    session = await service.uploaded()
    lost = SaveAnswerLost(service.sessions, SessionState.ABORTED, RepositoryUnavailableError)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=lost).abort(address_of(session))
    ended = await service.now(session)
    assert (ended.state, ended.lease) == (SessionState.ABORTED, None)
    assert await service.abort(address_of(session)) == ended


async def test_interrupted_expiry_ends_as_expired(service: Service, clock: SettableClock) -> None:
    session = await service.uploaded()
    expired = Lease("a sweep", clock.now())
    await service.sessions.save(session.expiring(expired, clock.now()))
    assert (await service.abort(address_of(session))).state is SessionState.EXPIRED
    assert await is_gone(service, session)


async def test_interrupted_expiry_of_a_never_opened_upload_ends_as_expired(
    service: Service, clock: SettableClock
) -> None:
    session = await service.started()
    never_opened = replace(session, state=SessionState.PENDING, store_upload_id=None)
    pending = await service.sessions.save(never_opened)
    expired = Lease("a sweep", clock.now())
    await service.sessions.save(pending.expiring(expired, clock.now()))
    assert (await service.abort(address_of(session))).state is SessionState.EXPIRED


async def test_one_of_many_concurrent_aborts_wins_and_the_others_must_retry(
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
