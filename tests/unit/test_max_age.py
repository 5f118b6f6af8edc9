"""The maximum age of an upload holds regardless of activity."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multipart_upload.application.sweep.report import SweepOutcome
from multipart_upload.domain.errors import TransitionError
from multipart_upload.domain.session import ExpiryReason, SessionState, UploadSession

from .service import BODY, IMPATIENT, T0, Service, SettableClock, reference_to

POLICY: Final = replace(
    IMPATIENT, expiry=timedelta(days=2), max_age=timedelta(days=5), url_lifetime=timedelta(hours=1)
)
END: Final = T0 + POLICY.max_age
DAY: Final = timedelta(days=1)


@pytest.fixture
def service(service: Service) -> Service:
    return replace(service, policy=POLICY)


async def keep_alive(service: Service, clock: SettableClock) -> UploadSession:
    """Start an upload and report a part a day for four days."""
    session = await service.start_session()
    for number in range(1, 5):
        clock.advance(days=1)
        await service.upload(session, number)
    return await service.reload(session)


async def test_reports_do_not_move_the_expiry_past_the_maximum_age(
    service: Service, clock: SettableClock
) -> None:
    session = await service.start_session()
    assert (session.expires_at, session.expiry_reason) == (T0 + 2 * DAY, ExpiryReason.IDLE)
    session = await keep_alive(service, clock)
    assert (session.expires_at, session.expiry_reason) == (END, ExpiryReason.MAX_AGE)


@pytest.mark.parametrize("late", [timedelta(0), 3 * DAY])
async def test_sign_and_record_are_refused_at_the_maximum_age(
    service: Service, clock: SettableClock, late: timedelta
) -> None:
    session = await keep_alive(service, clock)
    reference = reference_to(session)
    clock.time = END + late
    for call in (
        service.sign(reference, 5),
        service.sign_many(reference, [range(5, 7)]),
        service.record(reference, 5, "e5"),
    ):
        with pytest.raises(TransitionError) as refused:
            await call
        assert refused.value.extensions == {"status": "expired", "reason": "max-age"}


async def test_a_report_just_before_the_maximum_age_is_recorded(
    service: Service, clock: SettableClock
) -> None:
    session = await keep_alive(service, clock)
    clock.time = END - timedelta(milliseconds=1)
    assert (await service.record(reference_to(session), 5, "e5")).parts_recorded == 5


async def test_signed_urls_do_not_work_past_the_maximum_age(
    service: Service, clock: SettableClock
) -> None:
    session = await keep_alive(service, clock)
    clock.time = END - timedelta(minutes=30)
    reference = reference_to(session)
    assert (await service.sign(reference, 5)).expires_at == END
    assert (await service.sign_many(reference, [range(5, 7)])).expires_at == END
    clock.time = END - timedelta(hours=2)
    assert (await service.sign(reference, 5)).expires_at == END - timedelta(hours=1)


async def test_sign_is_refused_with_less_than_a_second_left(
    service: Service, clock: SettableClock
) -> None:
    session = await keep_alive(service, clock)
    clock.time = END - timedelta(milliseconds=999)
    with pytest.raises(TransitionError):
        await service.sign(reference_to(session), 5)


async def test_lost_upload_is_not_reopened_at_the_maximum_age(
    service: Service, clock: SettableClock
) -> None:
    session = await service.lose_noticed(await keep_alive(service, clock))
    clock.time = END
    with pytest.raises(TransitionError):
        await service.sign(reference_to(session), 1)
    assert await service.bucket.list_uploads(session.key) == []


async def test_sweep_expires_an_upload_at_the_maximum_age_though_parts_still_arrive(
    service: Service, clock: SettableClock
) -> None:
    session = await keep_alive(service, clock)
    clock.time = END
    await service.put(session, 5)
    clock.time = END + POLICY.grace
    assert (await service.sweep()).swept == []
    clock.advance(seconds=1)
    (swept,) = (await service.sweep()).swept
    assert swept.outcome is SweepOutcome.EXPIRED
    ended = await service.reload(session)
    assert (ended.state, ended.expiry_reason) == (SessionState.EXPIRED, ExpiryReason.MAX_AGE)
    assert await service.bucket.list_uploads(session.key) == []
    with pytest.raises(TransitionError) as refused:
        await service.sign(reference_to(session), 1)
    assert refused.value.extensions == {"status": "expired", "reason": "max-age"}


async def test_an_idle_upload_expires_as_idle(service: Service, clock: SettableClock) -> None:
    session = await service.start_session()
    clock.advance(days=4)  # idle for longer than the expiry, before the maximum age
    await service.sweep()
    ended = await service.reload(session)
    assert (ended.state, ended.expiry_reason) == (SessionState.EXPIRED, ExpiryReason.IDLE)
    with pytest.raises(TransitionError) as refused:
        await service.record(reference_to(session), 1, "e1")
    assert refused.value.extensions == {"status": "expired", "reason": "idle"}


async def test_whole_upload_past_the_maximum_age_can_be_completed_until_it_is_swept(
    service: Service, clock: SettableClock
) -> None:
    session = await service.start_session(size=len(BODY))
    await service.upload(session)
    clock.time = END
    completed = await service.complete(reference_to(session))
    assert (completed.state, completed.expiry_reason) == (SessionState.COMPLETED, None)


async def test_aborted_upload_has_no_expiry_reason(service: Service) -> None:
    session = await service.start_session()
    assert (await service.abort(reference_to(session))).expiry_reason is None


@given(st.lists(st.integers(min_value=-(10**9), max_value=10**9), max_size=20))
def test_expiry_stays_within_both_limits_whatever_the_activity(seconds: list[int]) -> None:
    session = UploadSession(
        id="u1",
        user_id="ada",
        key="ada/u1/f",
        filename="f",
        content_type="text/plain",
        created_at=T0,
        active_at=T0,
        expires_at=T0 + POLICY.expiry,
        closes_at=END,
        state=SessionState.INITIATED,
        store_upload_id="s3-id",
    )
    for offset in seconds:
        session = session.part_recorded(T0 + timedelta(seconds=offset))
        assert session.expires_at == min(session.active_at + POLICY.expiry, END)
