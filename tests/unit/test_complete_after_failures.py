"""Completing again after a failure of the store, the repository or a lost answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from multipart_upload.application.ports import NewObject
from multipart_upload.domain.errors import (
    LeaseHeldError,
    PartsRefusedError,
    RepositoryUnavailableError,
    StaleSessionError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
    TransitionError,
    UploadError,
)
from multipart_upload.domain.session import Lease, SessionState, UploadSession
from multipart_upload.testing.memory.object_store import CAPABILITIES

from .faults import (
    CountingStore,
    ForbiddingStore,
    RefusingStore,
    RepositoryFailing,
    SaveAnswerLost,
    StoreAnswersLost,
    UnavailableStore,
)
from .service import BODY, Service, SettableClock, reference_to


async def fail_to_complete(
    service: Service, session: UploadSession, error: type[UploadError]
) -> UploadSession:
    """Complete on a failing service, and return the session left behind."""
    with pytest.raises(error):
        await service.complete(reference_to(session))
    return await service.reload(session)


async def put_object(service: Service, key: str, upload_id: str, nonce: str | None) -> None:
    """Create an object at the key with this upload id and nonce in its metadata."""
    new = NewObject(
        key=key, upload_id=upload_id, nonce=nonce, filename="f", content_type="text/plain"
    )
    store_upload_id = (await service.bucket.create_upload(new)).store_upload_id
    session = await service.start_session()
    await service.put(replace(session, key=key, store_upload_id=store_upload_id))
    parts = await service.bucket.list_parts(key, store_upload_id)
    await service.bucket.complete_upload(key, store_upload_id, parts)


async def test_retry_after_a_lost_answer_finds_the_object_and_creates_no_other(
    service: Service,
) -> None:
    session = await service.upload_whole()
    losing = replace(service, store=StoreAnswersLost(service.store))
    left = await fail_to_complete(losing, session, StoreUnavailableError)
    assert (left.state, left.lease) == (SessionState.COMPLETING, None)
    made = await service.bucket.head_object(session.key)
    store = CountingStore(service.store)
    done = await replace(service, store=store).complete(reference_to(session))
    assert (done.state, done.result) == (SessionState.COMPLETED, made)
    assert store.completed == 0
    assert await service.complete(reference_to(session)) == done


async def test_result_is_the_same_whether_or_not_the_answer_was_lost(service: Service) -> None:
    results = []
    for store in (service.store, StoreAnswersLost(service.store)):
        session = await service.upload_whole()
        if store is not service.store:
            await fail_to_complete(replace(service, store=store), session, StoreUnavailableError)
        result = (await service.complete(reference_to(session))).result
        assert result is not None
        assert result.upload_id == session.id
        assert session.id in result.location
        results.append((result.etag, result.size))
    assert results[0] == results[1]


async def test_retry_completes_after_the_store_was_unavailable(service: Service) -> None:
    session = await service.upload_whole()
    away = replace(service, store=UnavailableStore(service.store))
    left = await fail_to_complete(away, session, StoreUnavailableError)
    assert (left.state, left.lease) == (SessionState.COMPLETING, None)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_sign_and_record_are_refused_while_the_outcome_is_unknown(service: Service) -> None:
    session = await service.upload_whole()
    away = replace(service, store=UnavailableStore(service.store))
    left = await fail_to_complete(away, session, StoreUnavailableError)
    address = reference_to(session)
    for other in (service.sign(address, 1), service.record(address, 1, "e1")):
        with pytest.raises(TransitionError, match="that is completing"):
            await other
    assert await service.reload(session) == left


async def test_permanent_refusal_leaves_the_session_open_with_its_parts(
    service: Service,
) -> None:
    session = await service.upload_whole()
    forbidding = replace(service, store=ForbiddingStore(service.store, "list_parts", "head_object"))
    for _ in range(2):
        left = await fail_to_complete(forbidding, session, StoreRefusedError)
        assert (left.state, left.lease) == (SessionState.IN_PROGRESS, None)
    assert len(await service.sessions.list_parts(session.id)) == 1
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_refusal_after_an_interrupted_complete_reopens_the_session_if_no_object_exists(
    service: Service,
) -> None:
    session = await service.upload_whole()
    await fail_to_complete(
        replace(service, store=UnavailableStore(service.store)), session, StoreUnavailableError
    )
    forbidding = replace(service, store=ForbiddingStore(service.store, "list_parts"))
    left = await fail_to_complete(forbidding, session, StoreRefusedError)
    assert (left.state, left.lease) == (SessionState.IN_PROGRESS, None)


async def test_refusal_after_a_committed_complete_returns_the_object(
    service: Service,
) -> None:
    session = await service.upload_whole()
    losing = replace(service, store=StoreAnswersLost(service.store))
    await fail_to_complete(losing, session, StoreUnavailableError)
    forbidding = replace(service, store=ForbiddingStore(service.store, "list_parts"))
    done = await forbidding.complete(reference_to(session))
    assert done.result == await service.bucket.head_object(session.key)


async def test_interrupted_complete_stays_completing_while_the_store_refuses_reads(
    service: Service,
) -> None:
    session = await service.upload_whole()
    losing = replace(service, store=StoreAnswersLost(service.store))
    await fail_to_complete(losing, session, StoreUnavailableError)
    forbidding = replace(service, store=ForbiddingStore(service.store, "list_parts", "head_object"))
    for _ in range(2):
        left = await fail_to_complete(forbidding, session, StoreRefusedError)
        assert (left.state, left.lease) == (SessionState.COMPLETING, None)
    with pytest.raises(StoreRefusedError):
        await forbidding.abort(reference_to(session))
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


@pytest.mark.parametrize("upload_id", ["another", ""])
async def test_object_of_another_upload_at_the_key_is_not_accepted(
    service: Service, upload_id: str
) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    await put_object(service, session.key, upload_id, session.nonce)
    left = await fail_to_complete(service, session, StoreUploadGoneError)
    assert left.is_lost
    assert (left.lease, left.result) == (None, None)


@pytest.mark.parametrize("nonce", ["another", "", None])
async def test_object_of_an_earlier_session_with_the_same_id_is_not_accepted(
    service: Service, nonce: str | None
) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    await put_object(service, session.key, session.id, nonce)
    left = await fail_to_complete(service, session, StoreUploadGoneError)
    assert left.is_lost
    assert left.result is None


async def test_an_object_of_a_session_without_a_nonce_is_found(service: Service) -> None:
    started = await service.upload_whole()
    session = await service.sessions.save(replace(started, nonce=None))
    await service.lose(session)
    await put_object(service, session.key, session.id, None)
    done = await service.complete(reference_to(session))
    assert done.state is SessionState.COMPLETED


async def test_completing_an_upload_discarded_by_the_store_marks_it_lost(service: Service) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    left = await fail_to_complete(service, session, StoreUploadGoneError)
    assert left.is_lost
    assert left.lease is None
    assert (await service.abort(reference_to(session))).state is SessionState.ABORTED


async def test_complete_is_refused_until_the_lease_of_another_caller_ends(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    lease = Lease("another process", clock.now() + service.policy.lease)
    leased = await service.sessions.save(session.completing(lease, clock.now()))
    for rest in (60.0, 59.0, 0.001):
        clock.time = lease.deadline
        clock.advance(seconds=-rest)
        with pytest.raises(LeaseHeldError) as refusal:
            await service.complete(reference_to(session))
        assert refusal.value.retry_after == rest
        assert refusal.value.extensions == {"status": "completing"}
    assert await service.reload(session) == leased
    clock.time = lease.deadline
    done = await service.complete(reference_to(session))
    assert (done.state, done.lease) == (SessionState.COMPLETED, None)


async def test_retry_after_the_lease_returns_the_object_when_the_last_save_failed(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    failing = replace(service, sessions=RepositoryFailing(service.sessions, SessionState.COMPLETED))
    left = await fail_to_complete(failing, session, RepositoryUnavailableError)
    assert left.state is SessionState.COMPLETING
    assert left.lease is not None
    made = await service.bucket.head_object(session.key)
    assert made is not None
    with pytest.raises(LeaseHeldError):
        await service.complete(reference_to(session))
    clock.advance(seconds=service.policy.lease.total_seconds())
    assert (await service.complete(reference_to(session))).result == made


async def test_failed_save_of_the_lease_changes_nothing(service: Service) -> None:
    session = await service.upload_whole()
    failing = replace(
        service, sessions=RepositoryFailing(service.sessions, SessionState.COMPLETING)
    )
    assert await fail_to_complete(failing, session, RepositoryUnavailableError) == session
    assert await service.bucket.head_object(session.key) is None


async def test_retry_after_the_lease_completes_when_the_reopening_save_failed(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    failing = replace(
        service,
        sessions=RepositoryFailing(service.sessions, SessionState.IN_PROGRESS),
        store=RefusingStore(service.store),
    )
    left = await fail_to_complete(failing, session, RepositoryUnavailableError)
    assert left.state is SessionState.COMPLETING
    clock.advance(seconds=service.policy.lease.total_seconds())
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


@pytest.mark.parametrize("error", [RepositoryUnavailableError, StaleSessionError])
async def test_final_state_holds_though_the_answer_to_its_save_was_lost(
    service: Service, error: type[UploadError]
) -> None:
    session = await service.upload_whole()
    sessions = SaveAnswerLost(service.sessions, SessionState.COMPLETED, error)
    losing = replace(service, sessions=sessions)
    if error is RepositoryUnavailableError:
        await fail_to_complete(losing, session, error)
    else:
        # A driver that retries a write after a lost answer finds its own new version.
        await losing.complete(reference_to(session))
    done = await service.reload(session)
    assert done.state is SessionState.COMPLETED
    assert await service.complete(reference_to(session)) == done


async def test_lease_saved_with_a_lost_answer_ends_at_its_deadline(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    lost = SaveAnswerLost(service.sessions, SessionState.COMPLETING, RepositoryUnavailableError)
    await fail_to_complete(replace(service, sessions=lost), session, RepositoryUnavailableError)
    clock.advance(seconds=service.policy.lease.total_seconds())
    done = await service.complete(reference_to(session))
    assert done.result is not None
    assert done.result.size == len(BODY)


async def test_unreported_part_can_be_uploaded_again_after_a_refusal(
    service: Service,
) -> None:
    session = await service.start_session(size=None)
    await service.put(session, 1, b"too small")
    await service.put(session, 2, b"last")
    with pytest.raises(PartsRefusedError):
        await service.complete(reference_to(session))

    await service.put(session, 1, bytes(CAPABILITIES.min_part_size))

    done = await service.complete(reference_to(session))
    assert done.result is not None
    assert done.result.size == CAPABILITIES.min_part_size + len(b"last")
