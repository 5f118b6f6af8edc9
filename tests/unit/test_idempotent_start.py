"""Starting again with the same Idempotency-Key gives the same session."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import repeat
from typing import Any, Final

import pytest

from multipart_upload.application.ports import SessionQuery
from multipart_upload.domain.errors import (
    IdempotencyKeyReusedError,
    LeaseHeldError,
    RepositoryUnavailableError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
)
from multipart_upload.domain.session import SessionState, UploadSession

from .faults import (
    CountingStore,
    RepositoryDying,
    StoreAnswersLost,
    StoreForbidding,
    YieldingRepository,
    YieldingStore,
)
from .service import Service, SettableClock, address_of, new_upload

KEY: Final = "0f0c9a52-b8a9-4f6f"
NEW: Final = replace(new_upload(size=5, metadata={"colour": "red"}), idempotency_key=KEY)


async def sessions_of_ada(service: Service) -> list[UploadSession]:
    return list((await service.list_sessions(SessionQuery(user_id="ada"))).sessions)


async def test_the_same_key_gives_the_same_session_and_one_upload(service: Service) -> None:
    counting = CountingStore(service.store)
    started = [await replace(service, store=counting).start(NEW) for _ in range(3)]
    assert started == [started[0]] * 3
    assert await sessions_of_ada(service) == started[:1]
    assert len(counting.created) == 1


async def completed_and_forgotten(service: Service, clock: SettableClock) -> UploadSession:
    """Complete an upload and remove its session at the end of its retention."""
    session = await service.start(NEW)
    await service.upload(session)
    done = await service.complete(address_of(session))
    clock.advance(days=31)
    assert (await service.sweep()).purged == 1
    return done


async def test_a_key_used_again_after_retention_makes_another_object(
    service: Service, clock: SettableClock
) -> None:
    first = await completed_and_forgotten(service, clock)
    made = service.bucket.objects[first.key]
    second = await service.start(NEW)
    assert second.id == first.id
    assert (second.key, second.nonce) != (first.key, first.nonce)
    await service.upload(second, 1, b"other")
    done = await service.complete(address_of(second))
    assert service.bucket.objects[first.key] == made
    assert service.bucket.objects[done.key].body == b"other"


async def test_a_key_used_again_after_retention_never_answers_with_the_earlier_object(
    service: Service, clock: SettableClock
) -> None:
    await completed_and_forgotten(service, clock)
    second = await service.start(NEW)
    await service.upload(second, 1, b"other")
    await service.lose(second)
    with pytest.raises(StoreUploadGoneError):
        await service.complete(address_of(second))


async def test_without_a_key_every_start_is_a_new_session(service: Service) -> None:
    plain = replace(NEW, idempotency_key=None)
    assert await service.start(plain) != await service.start(plain)


@pytest.mark.parametrize("other", [{"idempotency_key": f"{KEY}2"}, {"user_id": "bob"}])
async def test_another_key_or_another_user_is_another_session(
    service: Service, other: dict[str, Any]
) -> None:
    first, second = await service.start(NEW), await service.start(replace(NEW, **other))
    assert first.id != second.id


async def test_no_user_and_key_run_together_into_those_of_another(service: Service) -> None:
    first = await service.start(replace(NEW, user_id="a", idempotency_key=f"b {KEY}"))
    second = await service.start(replace(NEW, user_id="a b", idempotency_key=KEY))
    assert first.id != second.id


@pytest.mark.parametrize(
    "other",
    [
        {"filename": "other.mov"},
        {"content_type": "video/mp4"},
        {"size": 6},
        {"size": None},
        {"metadata": {"colour": "blue"}},
        {"metadata": {}},
    ],
    ids=str,
)
async def test_the_same_key_with_another_body_is_refused(
    service: Service, other: dict[str, Any]
) -> None:
    session = await service.start(NEW)
    with pytest.raises(IdempotencyKeyReusedError):
        await service.start(replace(NEW, **other))
    assert await sessions_of_ada(service) == [session]


async def test_a_session_that_has_gone_on_is_given_as_it_is(service: Service) -> None:
    session = await service.start(NEW)
    await service.upload(session)
    assert (await service.start(NEW)).state is SessionState.IN_PROGRESS
    done = await service.complete(address_of(session))
    assert await service.start(NEW) == done


async def test_when_the_answer_was_lost_the_same_key_finishes_the_start(service: Service) -> None:
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=StoreAnswersLost(service.store)).start(NEW)
    session = await service.start(NEW)
    assert session.state is SessionState.INITIATED
    await service.upload(session)
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED
    assert len(await sessions_of_ada(service)) == 1


async def test_after_a_refusal_of_the_store_the_same_key_starts_at_once(service: Service) -> None:
    forbidding = replace(service, store=StoreForbidding(service.store, "create_upload"))
    for _ in range(2):
        with pytest.raises(StoreRefusedError):
            await forbidding.start(NEW)
    assert (await service.start(NEW)).state is SessionState.INITIATED


async def test_whose_start_died_can_be_started_again_after_its_lease(
    service: Service, clock: SettableClock
) -> None:
    dying = RepositoryDying(service.sessions, SessionState.INITIATED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=dying).start(NEW)
    with pytest.raises(LeaseHeldError):
        await service.start(NEW)
    clock.advance(seconds=service.policy.lease.total_seconds())
    assert (await service.start(NEW)).state is SessionState.INITIATED


async def test_of_20_starts_at_once_with_one_key_one_opens_the_upload(service: Service) -> None:
    counting = CountingStore(service.store)
    turns = repeat(1)
    several = replace(
        service,
        sessions=YieldingRepository(service.sessions, turns),
        store=YieldingStore(counting, turns),
        policy=replace(service.policy, wait=service.policy.lease),
    )
    started = await asyncio.gather(*(several.start(NEW) for _ in range(20)))
    assert len({session.store_upload_id for session in started}) == 1
    assert len(counting.created) == 1


async def test_another_part_size_of_a_later_release_is_no_other_body(service: Service) -> None:
    session = await service.start(NEW)
    assert session.plan is not None
    planned = replace(session, plan=replace(session.plan, part_size=session.plan.part_size * 2))
    await service.sessions.save(planned)
    assert (await service.start(NEW)).plan == planned.plan
