"""Recording that a part was uploaded."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import repeat

import pytest

from multipart_upload.application.record_parts import RecordedPart, RecordParts
from multipart_upload.application.session_cache import SessionCache
from multipart_upload.domain.errors import (
    InvalidFieldError,
    RepositoryUnavailableError,
    TransitionError,
)
from multipart_upload.domain.part import Part, PartState
from multipart_upload.domain.policy import UploadPolicy
from multipart_upload.domain.session import SessionState

from .faults import RepositoryFailing, YieldingRepository
from .service import BODY, MIB, PART_SIZE, T0, Service, SettableClock, reference_to

GIB = 1024 * MIB
HOUR = timedelta(hours=1)


async def test_the_first_report_moves_the_session_to_in_progress(service: Service) -> None:
    session = await service.start_session()
    recorded = await service.record(reference_to(session), 1, "e1")
    assert recorded == RecordedPart(SessionState.IN_PROGRESS, 1)
    assert (await service.reload(session)).state is SessionState.IN_PROGRESS


async def test_a_part_is_kept_as_it_was_reported(service: Service, clock: SettableClock) -> None:
    session = await service.start_session()
    clock.advance(seconds=3)
    await service.record(reference_to(session), 2, '"e2"', 7)
    at = T0 + timedelta(seconds=3)
    part = Part(number=2, etag="e2", size=7, recorded_at=at, state=PartState.UPLOADED)
    assert await service.sessions.list_parts(session.id) == [part]


async def test_the_last_report_of_a_number_wins(service: Service) -> None:
    session = await service.start_session()
    for etag, size in (("old", 1), ("new", None)):
        recorded = await service.record(reference_to(session), 1, etag, size)
        assert recorded.parts_recorded == 1
    (part,) = await service.sessions.list_parts(session.id)
    assert (part.etag, part.size) == ("new", None)


async def test_the_same_report_twice_changes_nothing(service: Service) -> None:
    session = await service.start_session()
    first = await service.record(reference_to(session), 1, "e1", 5)
    before = await service.reload(session), await service.sessions.list_parts(session.id)
    assert await service.record(reference_to(session), 1, "e1", 5) == first
    assert (await service.reload(session), await service.sessions.list_parts(session.id)) == before


async def test_a_part_that_was_verified_is_only_uploaded_once_it_is_reported_again(
    service: Service,
) -> None:
    session = await service.upload_whole()
    (listed,) = (await service.list_parts(reference_to(session)))[1]
    await service.sessions.record_parts(session.id, [listed])
    await service.record(reference_to(session), 1, "another")
    (part,) = await service.sessions.list_parts(session.id)
    assert (listed.state, part.state) == (PartState.VERIFIED, PartState.UPLOADED)


async def test_of_many_first_reports_at_once_none_is_lost_and_one_moves_the_session(
    service: Service,
) -> None:
    session = await service.start_session()
    racing = replace(service, sessions=YieldingRepository(service.sessions, repeat(1)))
    outcomes = await asyncio.gather(
        *(racing.record(reference_to(session), number, f"e{number}") for number in range(1, 21))
    )
    assert {outcome.status for outcome in outcomes} == {SessionState.IN_PROGRESS}
    assert max(outcome.parts_recorded for outcome in outcomes) == 20
    parts = await service.sessions.list_parts(session.id)
    assert [(part.number, part.etag) for part in parts] == [(n, f"e{n}") for n in range(1, 21)]
    assert (await service.reload(session)).version == session.version + 1


async def test_the_part_is_stored_before_the_session_moves(service: Service) -> None:
    session = await service.start_session()
    failing = RepositoryFailing(service.sessions, SessionState.IN_PROGRESS)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=failing).record(reference_to(session), 1, "e1")
    assert (await service.reload(session)).state is SessionState.INITIATED
    assert len(await service.sessions.list_parts(session.id)) == 1
    recorded = await service.record(reference_to(session), 1, "e1")
    assert recorded == RecordedPart(SessionState.IN_PROGRESS, 1)


async def test_activity_is_noted_at_most_once_an_hour(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    clock.advance(minutes=59, seconds=59)
    await service.record(reference_to(session), 1, "e1")
    assert await service.reload(session) == session
    clock.advance(seconds=1)
    await service.record(reference_to(session), 1, "e1")
    noted = await service.reload(session)
    assert (noted.active_at, noted.expires_at) == (T0 + HOUR, session.expires_at + HOUR)
    clock.advance(minutes=1)
    await service.record(reference_to(session), 1, "e1")
    assert await service.reload(session) == noted


async def test_after_a_long_rest_all_of_many_reports_at_once_are_taken(
    service: Service, clock: SettableClock
) -> None:
    session = await service.start_session()
    await service.record(reference_to(session), 1, "e1")
    before = await service.reload(session)
    clock.advance(hours=5)
    racing = replace(service, sessions=YieldingRepository(service.sessions, repeat(1)))
    await asyncio.gather(*(racing.record(reference_to(session), n, "e") for n in range(2, 12)))
    noted = await service.reload(session)
    assert (noted.active_at, noted.version) == (T0 + 5 * HOUR, before.version + 1)
    assert len(await service.sessions.list_parts(session.id)) == 11


@pytest.mark.parametrize("state", [state for state in SessionState if not state.is_open])
async def test_nothing_is_recorded_of_an_upload_that_is_not_open(
    service: Service, state: SessionState
) -> None:
    session = await service.start_session()
    session = await service.sessions.save(replace(session, state=state))
    with pytest.raises(TransitionError) as refusal:
        await service.record(reference_to(session), 1, "e1")
    assert refusal.value.extensions["status"] == state
    assert len(await service.sessions.list_parts(session.id)) == 0
    assert await service.reload(session) == session


async def test_after_completion_a_report_is_refused_and_the_parts_stay(service: Service) -> None:
    session = await service.upload_whole()
    await service.complete(reference_to(session))
    parts = await service.sessions.list_parts(session.id)
    with pytest.raises(TransitionError, match="that is completed"):
        await service.record(reference_to(session), 1, "another")
    assert await service.sessions.list_parts(session.id) == parts


@pytest.mark.parametrize(
    ("planned", "number", "size", "field", "rule"),
    [
        (None, 0, None, "part_number", "must be 1 to 10000"),
        (None, 10_001, None, "part_number", "must be 1 to 10000"),
        (17 * MIB, 4, None, "part_number", "must be 1 to 3"),
        (17 * MIB, 1, PART_SIZE - 1, "size", f"part 1 of this upload has {PART_SIZE} bytes"),
        (17 * MIB, 3, PART_SIZE, "size", f"part 3 of this upload has {MIB} bytes"),
        (0, 1, 1, "size", "part 1 of this upload has 0 bytes"),
        (None, 1, -1, "size", f"must be 0 to {5 * GIB} bytes"),
        (None, 1, 5 * GIB + 1, "size", f"must be 0 to {5 * GIB} bytes"),
    ],
)
async def test_a_part_that_cannot_be_one_is_refused_by_field_and_limit(
    service: Service, planned: int | None, number: int, size: int | None, field: str, rule: str
) -> None:
    session = await service.start_session(planned)
    with pytest.raises(InvalidFieldError) as refusal:
        await service.record(reference_to(session), number, "e1", size)
    assert refusal.value.extensions == {"errors": [{"field": field, "message": rule}]}
    assert await service.reload(session) == session
    assert len(await service.sessions.list_parts(session.id)) == 0


@pytest.mark.parametrize(
    ("planned", "number", "size"),
    [
        (None, 1, 0),
        (None, 10_000, 5 * GIB),
        (17 * MIB, 3, MIB),
        (17 * MIB, 3, None),
        (0, 1, 0),
        (len(BODY), 1, len(BODY)),
    ],
)
async def test_a_part_just_within_the_rules_is_recorded(
    service: Service, planned: int | None, number: int, size: int | None
) -> None:
    session = await service.start_session(planned)
    assert (await service.record(reference_to(session), number, "e", size)).parts_recorded == 1


async def test_an_upload_that_expires_soon_notes_its_activity_sooner(
    service: Service, clock: SettableClock
) -> None:
    policy = UploadPolicy(expiry=timedelta(minutes=10))
    service = replace(service, policy=policy)
    session = await service.start_session()
    for number in range(1, 20):
        clock.advance(minutes=1)
        await service.upload(session, number)
        assert (await service.reload(session)).expires_at == clock.now() + policy.expiry


@pytest.mark.parametrize("hours", [-120, 48])
async def test_activity_counts_by_the_repositorys_clock_whatever_ones_own_says(
    service: Service, hours: float
) -> None:
    session = await service.upload_whole()
    service.clock.advance(days=3)
    wrong = SettableClock()
    wrong.time = service.clock.now() + timedelta(hours=hours)
    recent = SessionCache(service.sessions)
    await RecordParts(recent, service.store, wrong).record_one(reference_to(session), 1, "e1")
    assert (await service.reload(session)).active_at == service.clock.now()
