"""The sweep completes uploads that were sent in full, instead of expiring them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from multipart_upload.application.sweep.report import SweepOutcome
from multipart_upload.domain.session import SessionState, UploadSession

from .faults import RefusingStore, StoreAnswersLost
from .service import BODY, PART_SIZE, Service, SettableClock


async def expire(service: Service, clock: SettableClock, *, dry_run: bool = False) -> SweepOutcome:
    """Let the upload become due, sweep, and return what became of it."""
    clock.time += service.policy.expiry + service.policy.grace + timedelta(hours=1)
    (swept,) = (await service.sweep(dry_run=dry_run)).swept
    return swept.outcome


async def sent_without_reports(service: Service, size: int) -> UploadSession:
    """Start an upload and send its first part without reporting it."""
    session = await service.start_session(size)
    await service.put(session, 1, bytes(min(size, PART_SIZE)))
    return session


async def test_upload_with_all_parts_is_completed(service: Service, clock: SettableClock) -> None:
    session = await service.upload_whole()

    assert await expire(service, clock, dry_run=True) is SweepOutcome.COMPLETED
    assert (await service.reload(session)).state is SessionState.IN_PROGRESS
    assert await expire(service, clock) is SweepOutcome.COMPLETED

    assert (await service.reload(session)).state is SessionState.COMPLETED
    assert service.bucket.objects[session.key].body == BODY


async def test_parts_need_not_have_been_reported(service: Service, clock: SettableClock) -> None:
    session = await sent_without_reports(service, len(BODY))

    assert await expire(service, clock) is SweepOutcome.COMPLETED
    assert session.key in service.bucket.objects


async def test_upload_that_lacks_a_part_expires(service: Service, clock: SettableClock) -> None:
    await sent_without_reports(service, PART_SIZE + 1)

    assert await expire(service, clock) is SweepOutcome.EXPIRED


async def test_part_of_another_size_is_no_part(service: Service, clock: SettableClock) -> None:
    session = await service.start_session(len(BODY))
    await service.put(session, 1, BODY[:-1])

    assert await expire(service, clock) is SweepOutcome.EXPIRED


async def test_upload_of_unknown_size_expires(service: Service, clock: SettableClock) -> None:
    session = await service.start_session()
    await service.upload(session)

    assert await expire(service, clock) is SweepOutcome.EXPIRED


async def test_upload_that_the_store_refuses_expires(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    refusing = replace(service, store=RefusingStore(service.store))

    assert await expire(refusing, clock) is SweepOutcome.EXPIRED
    assert (await service.reload(session)).state is SessionState.EXPIRED


async def test_complete_whose_answer_is_lost_is_finished_by_the_next_sweep(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    losing = replace(service, store=StoreAnswersLost(service.store))

    assert await expire(losing, clock) is SweepOutcome.FAILED
    assert await expire(service, clock) is SweepOutcome.COMPLETED
    assert (await service.reload(session)).state is SessionState.COMPLETED


@pytest.mark.parametrize("size", [len(BODY), 0])
async def test_setting_expires_them(service: Service, clock: SettableClock, size: int) -> None:
    service = replace(service, policy=replace(service.policy, completes_whole=False))
    await sent_without_reports(service, size)

    assert await expire(service, clock) is SweepOutcome.EXPIRED
