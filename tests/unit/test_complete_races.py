"""Concurrent callers create one object and reach one final state in any order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.application.ports import ForwardingRepository, SessionRepository
from multipart_upload.domain.errors import (
    LeaseHeldError,
    PartsMissingError,
    StaleSessionError,
    TransitionError,
)
from multipart_upload.domain.session import Lease, SessionState, StoredObject, UploadSession

from .faults import CountingStore, YieldingRepository, YieldingStore
from .service import BODY, Service, SettableClock, new_service, reference_to

schedules = st.lists(st.integers(0, 4), max_size=60)


def make_racing(service: Service, yields: Iterator[int]) -> tuple[Service, CountingStore]:
    """Return a service that yields to other callers at every step, and its store."""
    counting = CountingStore(service.store)
    sessions = YieldingRepository(service.sessions, yields)
    return replace(service, sessions=sessions, store=YieldingStore(counting, yields)), counting


def results_of(outcomes: Sequence[UploadSession | BaseException]) -> list[StoredObject | None]:
    return [outcome.result for outcome in outcomes if isinstance(outcome, UploadSession)]


def errors_of(outcomes: Sequence[UploadSession | BaseException]) -> set[type[BaseException]]:
    return {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)}


@given(schedules, st.booleans())
async def test_concurrent_completes_create_one_object_and_return_it(
    schedule: list[int],
    reported: bool,  # noqa: FBT001  # hypothesis passes it by name
) -> None:
    service = new_service()
    session = await service.start_session(size=len(BODY))
    await (service.upload(session) if reported else service.put(session))
    several, store = make_racing(service, chain(schedule, repeat(1)))
    outcomes = await asyncio.gather(
        *(several.complete(reference_to(session)) for _ in range(20)), return_exceptions=True
    )
    assert store.completed == 1
    results = results_of(outcomes)
    assert results
    assert set(results) == {await service.bucket.head_object(session.key)}
    assert errors_of(outcomes) <= {LeaseHeldError}
    assert (await service.reload(session)).state is SessionState.COMPLETED


@given(schedules)
async def test_concurrent_complete_and_abort_never_both_succeed(schedule: list[int]) -> None:
    service = new_service()
    session = await service.upload_whole()
    several, _ = make_racing(service, chain(schedule, repeat(1)))
    outcomes = await asyncio.gather(
        several.complete(reference_to(session)),
        several.abort(reference_to(session)),
        return_exceptions=True,
    )
    ended = await service.reload(session)
    assert [outcome for outcome in outcomes if isinstance(outcome, UploadSession)] == [ended]
    assert errors_of(outcomes) <= {LeaseHeldError, StaleSessionError, TransitionError}
    has_object = await service.bucket.head_object(session.key) is not None
    assert has_object == (ended.state is SessionState.COMPLETED)


@given(schedules)
async def test_report_during_a_complete_is_recorded_or_refused(schedule: list[int]) -> None:
    service = new_service()
    session = await service.start_session(size=len(BODY))
    etag = await service.put(session)
    several, store = make_racing(service, chain(schedule, repeat(1)))
    outcomes = await asyncio.gather(
        several.complete(reference_to(session)),
        several.record(reference_to(session), 1, etag, len(BODY)),
        return_exceptions=True,
    )
    assert isinstance(outcomes[0], UploadSession)
    assert store.completed == 1
    late = [outcome for outcome in outcomes[1:] if isinstance(outcome, BaseException)]
    assert all(isinstance(outcome, TransitionError) for outcome in late)
    assert len(await service.sessions.list_parts(session.id)) == 1


async def test_concurrent_completes_with_a_missing_part_keep_the_upload_usable() -> None:
    service = new_service()
    session = await service.start_session(size=len(BODY))
    await service.record(reference_to(session), 1, "never arrived")
    several, _ = make_racing(service, repeat(1))
    outcomes = await asyncio.gather(
        *(several.complete(reference_to(session)) for _ in range(20)), return_exceptions=True
    )
    assert errors_of(outcomes) <= {LeaseHeldError, PartsMissingError, StaleSessionError}
    await service.upload(session)
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_caller_overtaken_after_its_lease_returns_the_result_of_the_other(
    service: Service, clock: SettableClock
) -> None:
    class StallingRepository(ForwardingRepository):
        """Stalls past the lease before the last save, while another caller takes over."""

        async def save(self, session: UploadSession) -> UploadSession:
            if session.state is SessionState.COMPLETED:
                clock.advance(seconds=service.policy.lease.total_seconds())
                await service.complete(reference_to(session))
            return await super().save(session)

    session = await service.upload_whole()
    done = await replace(service, sessions=StallingRepository(service.sessions)).complete(
        reference_to(session)
    )
    assert done == await service.reload(session)
    assert done.result == await service.bucket.head_object(session.key)


async def test_caller_overtaken_at_every_attempt_raises_stale_session(
    service: Service, clock: SettableClock
) -> None:
    class OvertakenRepository(ForwardingRepository):
        """Lets another caller take an already expired lease before every save."""

        def __init__(self, sessions: SessionRepository) -> None:
            super().__init__(sessions)
            self.saves = 0

        async def save(self, session: UploadSession) -> UploadSession:
            self.saves += 1
            now = clock.now()
            theirs = (await self.get(session.id)).completing(Lease("theirs", now), now)
            await super().save(theirs)
            return await super().save(session)

    session = await service.upload_whole()
    sessions = OvertakenRepository(service.sessions)
    with pytest.raises(StaleSessionError):
        await replace(service, sessions=sessions).complete(reference_to(session))
    assert sessions.saves == 5
    assert await service.bucket.head_object(session.key) is None
