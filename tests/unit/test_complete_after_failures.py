"""Completing again after the store, the repository or an answer was lost halfway."""

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
from multipart_upload.domain.limits import MIN_PART_SIZE
from multipart_upload.domain.session import Lease, SessionState, UploadSession

from .faults import (
    CountingStore,
    RepositoryDying,
    SaveAnswerLost,
    StoreAnswersLost,
    StoreAway,
    StoreForbidding,
    StoreRefusing,
)
from .service import BODY, Service, SettableClock, address_of


async def left_behind(
    service: Service, session: UploadSession, error: type[UploadError]
) -> UploadSession:
    """Complete on a service that fails, and give the session as it is then."""
    with pytest.raises(error):
        await service.complete(address_of(session))
    return await service.now(session)


async def put_object(service: Service, key: str, upload_id: str, nonce: str | None) -> None:
    """Leave a finished object at a key, made for an upload id and a nonce."""
    new = NewObject(
        key=key, upload_id=upload_id, nonce=nonce, filename="f", content_type="text/plain"
    )
    store_upload_id = (await service.bucket.create_upload(new)).store_upload_id
    session = await service.started()
    await service.put(replace(session, key=key, store_upload_id=store_upload_id))
    parts = await service.bucket.list_parts(key, store_upload_id)
    await service.bucket.complete_upload(key, store_upload_id, parts)


async def test_when_the_answer_was_lost_a_retry_finds_the_object_and_makes_no_other(
    service: Service,
) -> None:
    session = await service.uploaded()
    losing = replace(service, store=StoreAnswersLost(service.store))
    left = await left_behind(losing, session, StoreUnavailableError)
    assert (left.state, left.lease) == (SessionState.COMPLETING, None)
    made = await service.bucket.head_object(session.key)
    store = CountingStore(service.store)
    done = await replace(service, store=store).complete(address_of(session))
    assert (done.state, done.result) == (SessionState.COMPLETED, made)
    assert store.joined == 0
    assert await service.complete(address_of(session)) == done


async def test_the_result_is_the_same_whether_the_answer_was_lost_or_not(service: Service) -> None:
    results = []
    for store in (service.store, StoreAnswersLost(service.store)):
        session = await service.uploaded()
        if store is not service.store:
            await left_behind(replace(service, store=store), session, StoreUnavailableError)
        result = (await service.complete(address_of(session))).result
        assert result is not None
        assert result.upload_id == session.id
        assert session.id in result.location
        results.append((result.etag, result.size))
    assert results[0] == results[1]


async def test_when_the_store_was_away_a_retry_joins_the_parts(service: Service) -> None:
    session = await service.uploaded()
    away = replace(service, store=StoreAway(service.store))
    left = await left_behind(away, session, StoreUnavailableError)
    assert (left.state, left.lease) == (SessionState.COMPLETING, None)
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


async def test_while_the_outcome_is_unknown_nothing_else_is_done_with_it(service: Service) -> None:
    session = await service.uploaded()
    away = replace(service, store=StoreAway(service.store))
    left = await left_behind(away, session, StoreUnavailableError)
    address = address_of(session)
    for other in (service.sign(address, 1), service.record(address, 1, "e1")):
        with pytest.raises(TransitionError, match="that is completing"):
            await other
    assert await service.now(session) == left


async def test_what_the_store_refuses_for_good_leaves_the_session_open_with_its_parts(
    service: Service,
) -> None:
    session = await service.uploaded()
    forbidding = replace(service, store=StoreForbidding(service.store, "list_parts", "head_object"))
    for _ in range(2):
        left = await left_behind(forbidding, session, StoreRefusedError)
        assert (left.state, left.lease) == (SessionState.IN_PROGRESS, None)
    assert await service.sessions.count_parts(session.id) == 1
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


async def test_a_refusal_after_an_interrupted_complete_reopens_the_session_without_an_object(
    service: Service,
) -> None:
    session = await service.uploaded()
    await left_behind(
        replace(service, store=StoreAway(service.store)), session, StoreUnavailableError
    )
    forbidding = replace(service, store=StoreForbidding(service.store, "list_parts"))
    left = await left_behind(forbidding, session, StoreRefusedError)
    assert (left.state, left.lease) == (SessionState.IN_PROGRESS, None)


async def test_a_refusal_after_a_complete_that_has_committed_gives_its_object(
    service: Service,
) -> None:
    session = await service.uploaded()
    losing = replace(service, store=StoreAnswersLost(service.store))
    await left_behind(losing, session, StoreUnavailableError)
    forbidding = replace(service, store=StoreForbidding(service.store, "list_parts"))
    done = await forbidding.complete(address_of(session))
    assert done.result == await service.bucket.head_object(session.key)


async def test_while_the_store_refuses_to_tell_an_interrupted_complete_stays_one(
    service: Service,
) -> None:
    session = await service.uploaded()
    losing = replace(service, store=StoreAnswersLost(service.store))
    await left_behind(losing, session, StoreUnavailableError)
    forbidding = replace(service, store=StoreForbidding(service.store, "list_parts", "head_object"))
    for _ in range(2):
        left = await left_behind(forbidding, session, StoreRefusedError)
        assert (left.state, left.lease) == (SessionState.COMPLETING, None)
    with pytest.raises(StoreRefusedError):
        await forbidding.abort(address_of(session))
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


@pytest.mark.parametrize("upload_id", ["another's", ""])
async def test_an_object_of_another_upload_at_the_key_is_not_taken_for_ours(
    service: Service, upload_id: str
) -> None:
    session = await service.uploaded()
    await service.lose(session)
    await put_object(service, session.key, upload_id, session.nonce)
    left = await left_behind(service, session, StoreUploadGoneError)
    assert left.is_lost
    assert (left.lease, left.result) == (None, None)


@pytest.mark.parametrize("nonce", ["another's", "", None])
async def test_an_object_of_an_earlier_session_with_the_same_id_is_not_taken_for_ours(
    service: Service, nonce: str | None
) -> None:
    session = await service.uploaded()
    await service.lose(session)
    await put_object(service, session.key, session.id, nonce)
    left = await left_behind(service, session, StoreUploadGoneError)
    assert left.is_lost
    assert left.result is None


async def test_an_object_of_a_session_without_a_nonce_is_found(service: Service) -> None:
    started = await service.uploaded()
    session = await service.sessions.save(replace(started, nonce=None))
    await service.lose(session)
    await put_object(service, session.key, session.id, None)
    done = await service.complete(address_of(session))
    assert done.state is SessionState.COMPLETED


async def test_parts_that_the_store_threw_away_are_gone(service: Service) -> None:
    session = await service.uploaded()
    await service.lose(session)
    left = await left_behind(service, session, StoreUploadGoneError)
    assert left.is_lost
    assert left.lease is None
    assert (await service.abort(address_of(session))).state is SessionState.ABORTED


async def test_the_lease_of_another_keeps_out_until_it_ends(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    lease = Lease("another process", clock.now() + service.policy.lease)
    claimed = await service.sessions.save(session.completing(lease, clock.now()))
    for rest in (60.0, 59.0, 0.001):
        clock.time = lease.deadline
        clock.advance(seconds=-rest)
        with pytest.raises(LeaseHeldError) as refusal:
            await service.complete(address_of(session))
        assert refusal.value.retry_after == rest
        assert refusal.value.extensions == {"status": "completing"}
    assert await service.now(session) == claimed
    clock.time = lease.deadline
    done = await service.complete(address_of(session))
    assert (done.state, done.lease) == (SessionState.COMPLETED, None)


async def test_when_the_repository_dies_at_the_end_a_retry_after_the_lease_gives_the_object(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    dying = replace(service, sessions=RepositoryDying(service.sessions, SessionState.COMPLETED))
    left = await left_behind(dying, session, RepositoryUnavailableError)
    assert left.state is SessionState.COMPLETING
    assert left.lease is not None
    made = await service.bucket.head_object(session.key)
    assert made is not None
    with pytest.raises(LeaseHeldError):
        await service.complete(address_of(session))
    clock.advance(seconds=service.policy.lease.total_seconds())
    assert (await service.complete(address_of(session))).result == made


async def test_when_the_repository_dies_at_the_claim_nothing_has_happened(service: Service) -> None:
    session = await service.uploaded()
    dying = replace(service, sessions=RepositoryDying(service.sessions, SessionState.COMPLETING))
    assert await left_behind(dying, session, RepositoryUnavailableError) == session
    assert await service.bucket.head_object(session.key) is None


async def test_when_the_repository_dies_at_the_reopening_a_retry_after_the_lease_goes_on(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    dying = replace(
        service,
        sessions=RepositoryDying(service.sessions, SessionState.IN_PROGRESS),
        store=StoreRefusing(service.store),
    )
    left = await left_behind(dying, session, RepositoryUnavailableError)
    assert left.state is SessionState.COMPLETING
    clock.advance(seconds=service.policy.lease.total_seconds())
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


@pytest.mark.parametrize("error", [RepositoryUnavailableError, StaleSessionError])
async def test_an_end_that_was_saved_though_its_answer_was_lost_is_final(
    service: Service, error: type[UploadError]
) -> None:
    session = await service.uploaded()
    sessions = SaveAnswerLost(service.sessions, SessionState.COMPLETED, error)
    losing = replace(service, sessions=sessions)
    if error is RepositoryUnavailableError:
        await left_behind(losing, session, error)
    else:
        # A driver that repeats a write after a lost answer finds the version changed, by itself.
        await losing.complete(address_of(session))
    done = await service.now(session)
    assert done.state is SessionState.COMPLETED
    assert await service.complete(address_of(session)) == done


async def test_a_claim_that_was_saved_though_its_answer_was_lost_ends_with_its_lease(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    lost = SaveAnswerLost(service.sessions, SessionState.COMPLETING, RepositoryUnavailableError)
    await left_behind(replace(service, sessions=lost), session, RepositoryUnavailableError)
    clock.advance(seconds=service.policy.lease.total_seconds())
    done = await service.complete(address_of(session))
    assert done.result is not None
    assert done.result.size == len(BODY)


async def test_a_part_nobody_reported_may_be_uploaded_again_after_a_refusal(
    service: Service,
) -> None:
    session = await service.started(size=None)
    await service.put(session, 1, b"too small")
    await service.put(session, 2, b"last")
    with pytest.raises(PartsRefusedError):
        await service.complete(address_of(session))

    await service.put(session, 1, bytes(MIN_PART_SIZE))

    done = await service.complete(address_of(session))
    assert done.result is not None
    assert done.result.size == MIN_PART_SIZE + len(b"last")
