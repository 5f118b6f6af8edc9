"""Ending what nobody touches, and bringing to its end what somebody has left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import repeat
from typing import Final

import pytest

from multipart_upload.application.ports import (
    ForwardingRepository,
    NewObject,
    OpenedUpload,
    UploadPage,
)
from multipart_upload.application.sweep.report import SweepOutcome, SweepPosition
from multipart_upload.application.sweep.sweep_uploads import BEGINNING, MAX_SESSIONS
from multipart_upload.domain.errors import (
    RepositoryUnavailableError,
    SessionNotFoundError,
    StoreUnavailableError,
)
from multipart_upload.domain.part import StoredPart
from multipart_upload.domain.session import Lease, SessionState, UploadSession
from multipart_upload.entrypoints.background_tasks import sweep_backlog

from .faults import (
    CountingStore,
    RepositoryDying,
    StoreAnswersLost,
    StoreAway,
    StoreForbidding,
    StoreNeverCompleting,
    YieldingRepository,
    YieldingStore,
)
from .proxies import StoreProxy
from .service import PART_SIZE, Service, SettableClock, address_of

MILLISECOND: Final = timedelta(milliseconds=1)


class StoreSilent(StoreAway):
    """Does not even list."""

    async def list_parts(self, *_: object, **__: object) -> list[StoredPart]:
        raise StoreUnavailableError


async def pending(service: Service) -> UploadSession:
    """Leave a row whose process has died after the store had opened the upload."""
    dying = RepositoryDying(service.sessions, SessionState.INITIATED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=dying).started(user_id="pending")
    (session,) = await service.sessions.find_due(service.clock.now() + timedelta(days=1), 1)
    return session


async def completing(service: Service) -> UploadSession:
    """Leave a row whose process has died after the store had joined the parts."""
    session = await service.uploaded()
    dying = RepositoryDying(service.sessions, SessionState.COMPLETED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=dying).complete(address_of(session))
    return await service.now(session)


async def aborting(service: Service) -> UploadSession:
    """Leave a row whose process has died after the store had thrown the parts away."""
    session = await service.uploaded()
    dying = RepositoryDying(service.sessions, SessionState.ABORTED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=dying, store=service.store).abort(address_of(session))
    return await service.now(session)


async def initiated(service: Service) -> UploadSession:
    return await service.started()


async def in_progress(service: Service) -> UploadSession:
    return await service.uploaded()


Left = Callable[[Service], Awaitable[UploadSession]]
LEFT: Final[dict[Left, SweepOutcome]] = {
    pending: SweepOutcome.EXPIRED,
    initiated: SweepOutcome.EXPIRED,
    in_progress: SweepOutcome.EXPIRED,
    completing: SweepOutcome.COMPLETED,
    aborting: SweepOutcome.ABORTED,
}


async def swept(service: Service, *, dry_run: bool = False) -> dict[str, SweepOutcome]:
    report = await service.sweep(dry_run=dry_run)
    return {one.session.id: one.outcome for one in report.swept}


def until_due(service: Service, session: UploadSession) -> None:
    """Move the clock to the last moment at which the session is still left alone."""
    assert session.due_at is not None
    service.clock.time = session.due_at + service.policy.grace


@pytest.mark.parametrize(("left", "outcome"), LEFT.items())
async def test_a_session_is_swept_once_its_time_and_the_grace_are_over(
    service: Service, left: Left, outcome: SweepOutcome
) -> None:
    session = await left(service)
    until_due(service, session)
    assert await swept(service) == {}
    assert await service.now(session) == session
    service.clock.time += MILLISECOND
    assert await swept(service) == {session.id: outcome}
    ended = await service.now(session)
    assert ended.state == outcome.value
    assert ended.lease is None
    assert await service.bucket.list_uploads(session.key) == []
    found = await service.bucket.head_object(session.key)
    assert (found is not None) == (outcome is SweepOutcome.COMPLETED)
    assert await swept(service) == {}


@pytest.mark.parametrize(("left", "outcome"), LEFT.items())
async def test_a_dry_run_tells_the_same_and_changes_nothing(
    service: Service, left: Left, outcome: SweepOutcome
) -> None:
    session = await left(service)
    until_due(service, session)
    service.clock.time += MILLISECOND
    opened = await service.bucket.list_uploads(session.key)
    for _ in range(2):
        assert await swept(service, dry_run=True) == {session.id: outcome}
    assert await service.now(session) == session
    assert await service.bucket.list_uploads(session.key) == opened


async def test_an_upload_whose_parts_still_arrive_is_kept(
    service: Service, clock: SettableClock
) -> None:
    # Its client reports nothing until the end: only the store knows that it is at it.
    session = await service.started(size=2 * PART_SIZE)
    clock.advance(days=6)
    await service.put(session, 1, bytes(PART_SIZE))
    stored_at = clock.now()
    clock.advance(days=5)
    assert await swept(service, dry_run=True) == {session.id: SweepOutcome.KEPT}
    assert await service.now(session) == session
    assert await swept(service) == {session.id: SweepOutcome.KEPT}
    assert (await service.now(session)).active_at == stored_at
    assert await swept(service) == {}
    clock.advance(days=3)
    assert await swept(service) == {session.id: SweepOutcome.EXPIRED}


async def test_parts_that_came_long_ago_keep_nothing(
    service: Service, clock: SettableClock
) -> None:
    session = await service.started()
    clock.advance(hours=1)
    await service.put(session)
    clock.advance(days=8)
    assert await swept(service) == {session.id: SweepOutcome.EXPIRED}


async def test_a_complete_whose_parts_are_not_all_there_is_opened_again(
    service: Service, clock: SettableClock
) -> None:
    session = await service.started(size=2 * PART_SIZE)
    await service.upload(session, 1, bytes(PART_SIZE))
    stored = await service.now(session)
    lease = Lease("somebody who died", clock.now())
    await service.sessions.save(stored.completing(lease, clock.now()))
    clock.advance(minutes=10)
    assert await swept(service) == {session.id: SweepOutcome.REOPENED}
    await service.upload(session, 2, bytes(PART_SIZE))
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


async def test_a_complete_whose_upload_the_store_has_lost_is_opened_again(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    lease = Lease("somebody who died", clock.now())
    await service.sessions.save(session.completing(lease, clock.now()))
    await service.lose(session)
    clock.advance(minutes=10)
    assert await swept(service) == {session.id: SweepOutcome.REOPENED}
    assert (await service.now(session)).is_lost


async def test_a_complete_that_fails_again_and_again_expires_at_its_time(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    failing = replace(service, store=StoreNeverCompleting(service.store))
    with pytest.raises(StoreUnavailableError):
        await failing.complete(address_of(session))
    for _ in range(6):
        clock.advance(days=1)
        assert await swept(failing) == {session.id: SweepOutcome.FAILED}
    clock.advance(days=1)
    assert await swept(failing) == {session.id: SweepOutcome.EXPIRED}
    assert await service.bucket.list_uploads(session.key) == []


async def test_a_complete_that_committed_never_expires(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=StoreAnswersLost(service.store)).complete(address_of(session))
    clock.advance(days=8)
    assert await swept(service) == {session.id: SweepOutcome.COMPLETED}


async def test_a_complete_that_the_store_refuses_is_opened_again(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=StoreAway(service.store)).complete(address_of(session))
    clock.advance(minutes=10)
    forbidding = replace(service, store=StoreForbidding(service.store, "list_parts"))
    assert await swept(forbidding) == {session.id: SweepOutcome.REOPENED}
    assert (await service.complete(address_of(session))).state is SessionState.COMPLETED


async def test_a_store_that_refuses_to_be_scanned_is_told(service: Service) -> None:
    forbidding = replace(service, store=StoreForbidding(service.store, "scan_uploads"))
    assert not (await forbidding.sweep()).is_complete


async def test_a_session_that_is_gone_by_now_was_somebody_elses(
    service: Service, clock: SettableClock
) -> None:
    class GoneMeanwhile(ForwardingRepository):
        async def save(self, session: UploadSession) -> UploadSession:
            del session
            raise SessionNotFoundError

    session = await service.uploaded()
    clock.advance(days=8)
    late = replace(service, sessions=GoneMeanwhile(service.sessions))
    assert await swept(late) == {session.id: SweepOutcome.TAKEN}


async def test_a_session_that_nobody_can_sweep_does_not_keep_the_others(
    service: Service, clock: SettableClock
) -> None:
    broken, fine = await service.uploaded(), await service.uploaded()

    class Surprising(StoreProxy):
        async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
            if key == broken.key:
                raise ZeroDivisionError
            return await super().list_parts(key, store_upload_id)

    clock.advance(days=8)
    assert await swept(replace(service, store=Surprising(service.store))) == {
        broken.id: SweepOutcome.FAILED,
        fine.id: SweepOutcome.EXPIRED,
    }


async def test_a_dry_run_tells_how_an_abort_was_begun(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    lease = Lease("a sweep that died", clock.now())
    await service.sessions.save(session.expiring(lease, clock.now()))
    clock.advance(minutes=10)
    assert await swept(service, dry_run=True) == {session.id: SweepOutcome.EXPIRED}
    assert await swept(service) == {session.id: SweepOutcome.EXPIRED}


async def test_what_fails_is_tried_once_a_pass(service: Service, clock: SettableClock) -> None:
    template = await service.started()
    for n in range(450):
        await service.sessions.add(replace(template, id=f"u{n:03}", key=f"k/u{n:03}/f"))
    clock.advance(days=8)
    report = await replace(service, store=StoreSilent(service.store)).sweep()
    assert report.counts == Counter({SweepOutcome.FAILED: 451})
    assert len({one.session.id for one in report.swept}) == 451


async def test_a_complete_whose_answer_alone_was_lost_needs_the_store_no_more(
    service: Service, clock: SettableClock
) -> None:
    session = await completing(service)
    clock.advance(hours=1)
    counting = CountingStore(service.store)
    await replace(service, store=counting).sweep()
    assert counting.joined == 0
    done = await service.now(session)
    assert done.result == await service.bucket.head_object(session.key)


async def test_an_expired_upload_that_the_store_lost_is_expired_too(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    await service.lose(session)
    clock.advance(days=8)
    assert await swept(service) == {session.id: SweepOutcome.EXPIRED}


async def test_every_upload_of_a_sessions_own_key_goes_with_it(
    service: Service, clock: SettableClock
) -> None:
    # A create that botocore repeated after a lost answer has opened two.
    class OpensTwo(StoreProxy):
        async def create_upload(self, new: NewObject) -> OpenedUpload:
            await super().create_upload(new)
            return await super().create_upload(new)

    session = await replace(service, store=OpensTwo(service.store)).started()
    assert len(await service.bucket.list_uploads(session.key)) == 2
    clock.advance(days=8)
    assert await swept(service) == {session.id: SweepOutcome.EXPIRED}
    assert await service.bucket.list_uploads(session.key) == []


@pytest.mark.parametrize("left", [in_progress, aborting, pending])
async def test_a_store_that_is_away_is_told_and_tried_again(service: Service, left: Left) -> None:
    session = await left(service)
    until_due(service, session)
    service.clock.time += MILLISECOND
    away = replace(service, store=StoreSilent(service.store))
    report = await away.sweep()
    assert report.counts == Counter({SweepOutcome.FAILED: 1})
    assert not report.is_complete
    service.clock.time += service.policy.grace + MILLISECOND
    assert (await swept(service))[session.id] == LEFT[left]


async def test_one_session_that_fails_does_not_keep_the_others(
    service: Service, clock: SettableClock
) -> None:
    failing, fine = await service.uploaded(), await service.uploaded()

    class AwayForOne(StoreProxy):
        async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
            if key == failing.key:
                raise StoreUnavailableError
            return await super().list_parts(key, store_upload_id)

    clock.advance(days=8)
    report = await replace(service, store=AwayForOne(service.store)).sweep()
    assert {one.session.id: one.outcome for one in report.swept} == {
        failing.id: SweepOutcome.FAILED,
        fine.id: SweepOutcome.EXPIRED,
    }


async def test_without_a_repository_there_is_no_sweep(service: Service) -> None:
    class FindsNothing(ForwardingRepository):
        async def find_due(self, *_: object, **__: object) -> list[UploadSession]:
            raise RepositoryUnavailableError

    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=FindsNothing(service.sessions)).sweep()


async def test_three_sweepers_at_once_do_everything_once(
    service: Service, clock: SettableClock
) -> None:
    sessions = [await service.uploaded() for _ in range(12)]
    for session in sessions[:6]:
        dying = replace(service, store=StoreAnswersLost(service.store))
        with pytest.raises(StoreUnavailableError):
            await dying.complete(address_of(session))
    clock.advance(days=8)
    counting = CountingStore(service.store)
    turns = repeat(1)
    several = replace(
        service,
        sessions=YieldingRepository(service.sessions, turns),
        store=YieldingStore(counting, turns),
    )
    reports = await asyncio.gather(*(several.sweep() for _ in range(3)))
    outcomes = sum((report.counts for report in reports), Counter[SweepOutcome]())
    assert outcomes[SweepOutcome.COMPLETED] == outcomes[SweepOutcome.EXPIRED] == 6
    assert set(outcomes) <= {
        SweepOutcome.COMPLETED,
        SweepOutcome.EXPIRED,
        SweepOutcome.TAKEN,
    }
    assert counting.joined == 0


async def test_a_session_completed_at_the_last_moment_is_not_expired(
    service: Service, clock: SettableClock
) -> None:
    session = await service.uploaded()
    clock.advance(days=8)

    class CompletedMeanwhile(StoreProxy):
        """Lets its client complete the upload while the sweep asks for its parts."""

        async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
            parts = await super().list_parts(key, store_upload_id)
            await service.complete(address_of(session))
            return parts

    overtaken = replace(service, store=CompletedMeanwhile(service.store))
    assert await swept(overtaken) == {session.id: SweepOutcome.TAKEN}
    assert (await service.now(session)).state is SessionState.COMPLETED
    assert await service.bucket.head_object(session.key) is not None


async def test_ended_sessions_are_forgotten_after_their_retention(
    service: Service, clock: SettableClock
) -> None:
    done = await service.complete(address_of(await service.uploaded()))
    clock.advance(days=30, minutes=5)
    assert (await service.sweep()).purged == 0
    clock.advance(seconds=0.001)
    assert (await service.sweep(dry_run=True)).purged == 0
    assert (await service.sweep()).purged == 1
    with pytest.raises(SessionNotFoundError):
        await service.now(done)
    assert await service.sessions.count_parts(done.id) == 0
    assert await service.bucket.head_object(done.key) is not None


async def many_stale(service: Service, count: int) -> None:
    template = await service.started()
    for n in range(count - 1):
        await service.sessions.add(replace(template, id=f"u{n:05}", key=f"k/u{n:05}/f"))
    service.clock.time += timedelta(days=8)


async def test_a_pass_is_bounded(service: Service) -> None:
    await many_stale(service, MAX_SESSIONS + 11)
    first = await service.sweep()
    assert len(first.swept) == MAX_SESSIONS
    assert first.next_position is not None
    assert first.is_worth_continuing
    second = await service.sweep(position=first.next_position)
    assert (len(second.swept), second.next_position) == (11, None)
    assert not second.is_worth_continuing


async def test_a_dry_run_looks_at_all_that_is_due_in_several_passes(service: Service) -> None:
    await many_stale(service, MAX_SESSIONS + 11)
    first = await service.sweep(dry_run=True)
    assert first.next_position is not None
    second = await service.sweep(dry_run=True, position=first.next_position)
    seen = {one.session.id for report in (first, second) for one in report.swept}
    assert (len(seen), second.next_position) == (MAX_SESSIONS + 11, None)


async def test_the_next_pass_does_not_list_the_store_again(service: Service) -> None:
    await many_stale(service, MAX_SESSIONS + 11)
    first = await service.sweep()

    class ListsNothing(StoreProxy):
        async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
            del prefix, after
            raise AssertionError

    assert first.next_position is not None
    second = await replace(service, store=ListsNothing(service.store)).sweep(
        position=first.next_position
    )
    assert len(second.swept) == 11


async def test_a_backlog_is_swept_in_one_go(service: Service) -> None:
    await many_stale(service, 2 * MAX_SESSIONS + 11)
    assert await sweep_backlog(service.sweep, BEGINNING) == BEGINNING
    assert await service.sessions.find_due(service.clock.now(), 1) == []


async def test_sessions_that_always_fail_do_not_keep_a_backlog_waiting(service: Service) -> None:
    await many_stale(service, MAX_SESSIONS + 11)
    # All but one session of the first pass.
    failing = {f"k/u{n:05}/f" for n in range(MAX_SESSIONS - 1)}

    class AwayForSome(StoreProxy):
        async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
            if key in failing:
                raise StoreUnavailableError
            return await super().list_parts(key, store_upload_id)

    some = replace(service, store=AwayForSome(service.store))
    assert await sweep_backlog(some.sweep, BEGINNING) == BEGINNING
    left = await service.sessions.find_due(service.clock.now(), 2 * MAX_SESSIONS)
    assert {session.key for session in left} == failing


async def test_without_the_store_a_backlog_is_left_to_the_next_sweep(service: Service) -> None:
    await many_stale(service, MAX_SESSIONS + 11)

    class Away(StoreSilent):
        passes = 0

        async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
            del prefix, after
            type(self).passes += 1
            raise StoreUnavailableError

    away = replace(service, store=Away(service.store))
    position = await sweep_backlog(away.sweep, BEGINNING)
    assert Away.passes == 1
    # Another try begins where this one ended, not with the same sessions.
    (next_pass,) = [await service.sweep(position=position)]
    assert next_pass.counts == Counter({SweepOutcome.EXPIRED: 11})


async def test_without_the_database_the_next_sweep_begins_again(service: Service) -> None:
    class FindsNothing(ForwardingRepository):
        async def find_due(self, *_: object, **__: object) -> list[UploadSession]:
            raise RepositoryUnavailableError

    away = replace(service, sessions=FindsNothing(service.sessions))
    assert await sweep_backlog(away.sweep, SweepPosition(scan_after="k")) == BEGINNING


async def test_more_retired_sessions_than_a_pass_removes_are_removed_at_once(
    service: Service,
) -> None:
    done = await service.complete(address_of(await service.uploaded()))
    for n in range(MAX_SESSIONS):
        await service.sessions.add(replace(done, id=f"u{n:05}", key=f"k/u{n:05}/f"))
    service.clock.time += timedelta(days=31)
    await sweep_backlog(service.sweep, BEGINNING)
    assert await service.sessions.purge_sessions(service.clock.now(), 1) == 0
