"""Starting again with the same Idempotency-Key returns the same session."""

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
    ForbiddingStore,
    RepositoryFailing,
    StoreAnswersLost,
    YieldingRepository,
    YieldingStore,
)
from .service import Service, SettableClock, new_upload, reference_to

KEY: Final = "0f0c9a52-b8a9-4f6f"
NEW: Final = replace(new_upload(size=5, metadata={"colour": "red"}), idempotency_key=KEY)


async def sessions_of_ada(service: Service) -> list[UploadSession]:
    return list((await service.list_sessions(SessionQuery(user_id="ada"))).sessions)


async def test_same_key_returns_the_same_session_with_one_store_upload(service: Service) -> None:
    counting = CountingStore(service.store)
    started = [await replace(service, store=counting).start(NEW) for _ in range(3)]
    assert started == [started[0]] * 3
    assert await sessions_of_ada(service) == started[:1]
    assert len(counting.created) == 1


async def complete_and_purge(service: Service, clock: SettableClock) -> UploadSession:
    """Complete an upload and purge its session after the retention."""
    session = await service.start(NEW)
    await service.upload(session)
    done = await service.complete(reference_to(session))
    clock.advance(days=31)
    assert (await service.sweep()).purged == 1
    return done


async def test_key_reused_after_retention_creates_another_object(
    service: Service, clock: SettableClock
) -> None:
    first = await complete_and_purge(service, clock)
    made = service.bucket.objects[first.key]
    second = await service.start(NEW)
    assert second.id == first.id
    assert (second.key, second.nonce) != (first.key, first.nonce)
    await service.upload(second, 1, b"other")
    done = await service.complete(reference_to(second))
    assert service.bucket.objects[first.key] == made
    assert service.bucket.objects[done.key].body == b"other"


async def test_key_reused_after_retention_never_returns_the_earlier_object(
    service: Service, clock: SettableClock
) -> None:
    await complete_and_purge(service, clock)
    second = await service.start(NEW)
    await service.upload(second, 1, b"other")
    await service.lose(second)
    with pytest.raises(StoreUploadGoneError):
        await service.complete(reference_to(second))


async def test_start_without_a_key_always_creates_a_session(service: Service) -> None:
    plain = replace(NEW, idempotency_key=None)
    assert await service.start(plain) != await service.start(plain)


@pytest.mark.parametrize("other", [{"idempotency_key": f"{KEY}2"}, {"user_id": "bob"}])
async def test_another_key_or_user_gets_another_session(
    service: Service, other: dict[str, Any]
) -> None:
    first, second = await service.start(NEW), await service.start(replace(NEW, **other))
    assert first.id != second.id


async def test_user_id_and_key_are_never_confused_when_combined(service: Service) -> None:
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
async def test_same_key_with_another_body_is_refused(
    service: Service, other: dict[str, Any]
) -> None:
    session = await service.start(NEW)
    with pytest.raises(IdempotencyKeyReusedError):
        await service.start(replace(NEW, **other))
    assert await sessions_of_ada(service) == [session]


async def test_same_key_returns_the_current_state_of_the_session(service: Service) -> None:
    session = await service.start(NEW)
    await service.upload(session)
    assert (await service.start(NEW)).state is SessionState.IN_PROGRESS
    done = await service.complete(reference_to(session))
    assert await service.start(NEW) == done


async def test_same_key_finishes_a_start_whose_answer_was_lost(service: Service) -> None:
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=StoreAnswersLost(service.store)).start(NEW)
    session = await service.start(NEW)
    assert session.state is SessionState.INITIATED
    await service.upload(session)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED
    assert len(await sessions_of_ada(service)) == 1


async def test_same_key_starts_at_once_after_the_store_refused(service: Service) -> None:
    forbidding = replace(service, store=ForbiddingStore(service.store, "create_upload"))
    for _ in range(2):
        with pytest.raises(StoreRefusedError):
            await forbidding.start(NEW)
    assert (await service.start(NEW)).state is SessionState.INITIATED


async def test_interrupted_start_can_be_repeated_after_its_lease(
    service: Service, clock: SettableClock
) -> None:
    failing = RepositoryFailing(service.sessions, SessionState.INITIATED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=failing).start(NEW)
    with pytest.raises(LeaseHeldError):
        await service.start(NEW)
    clock.advance(seconds=service.policy.lease.total_seconds())
    assert (await service.start(NEW)).state is SessionState.INITIATED


async def test_one_of_many_concurrent_starts_with_one_key_opens_the_upload(
    service: Service,
) -> None:
    counting = CountingStore(service.store)
    schedule = repeat(1)
    several = replace(
        service,
        sessions=YieldingRepository(service.sessions, schedule),
        store=YieldingStore(counting, schedule),
        policy=replace(service.policy, wait=service.policy.lease),
    )
    started = await asyncio.gather(*(several.start(NEW) for _ in range(20)))
    assert len({session.store_upload_id for session in started}) == 1
    assert len(counting.created) == 1


async def test_changed_default_part_size_does_not_count_as_another_body(service: Service) -> None:
    session = await service.start(NEW)
    assert session.plan is not None
    planned = replace(session, plan=replace(session.plan, part_size=session.plan.part_size * 2))
    await service.sessions.save(planned)
    assert (await service.start(NEW)).plan == planned.plan
