"""The sweep expires idle sessions and finishes interrupted ones."""

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
    ForbiddingStore,
    RepositoryFailing,
    StoreAnswersLost,
    StoreFailingToComplete,
    UnavailableStore,
    YieldingRepository,
    YieldingStore,
)
from .proxies import StoreProxy
from .service import PART_SIZE, Service, SettableClock, reference_to

MILLISECOND: Final = timedelta(milliseconds=1)


class UnreadableStore(UnavailableStore):
    """Fails every change and also the listing of parts."""

    async def list_parts(self, *_: object, **__: object) -> list[StoredPart]:
        raise StoreUnavailableError


async def pending(service: Service) -> UploadSession:
    """Leave a row whose process crashed after the store had opened the upload."""
    failing = RepositoryFailing(service.sessions, SessionState.INITIATED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=failing).start_session(user_id="pending")
    (session,) = await service.sessions.find_due(service.clock.now() + timedelta(days=1), 1)
    return session


async def completing(service: Service) -> UploadSession:
    """Leave a row whose process crashed after the store had completed the upload."""
    session = await service.upload_whole()
    failing = RepositoryFailing(service.sessions, SessionState.COMPLETED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=failing).complete(reference_to(session))
    return await service.reload(session)


async def aborting(service: Service) -> UploadSession:
    """Leave a row whose process crashed after the store had aborted the upload."""
    session = await service.upload_whole()
    failing = RepositoryFailing(service.sessions, SessionState.ABORTED)
    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=failing, store=service.store).abort(reference_to(session))
    return await service.reload(session)


async def initiated(service: Service) -> UploadSession:
    return await service.start_session()


async def in_progress(service: Service) -> UploadSession:
    """Start an upload of unknown size, which the sweep cannot know to be whole."""
    session = await service.start_session()
    await service.upload(session)
    return await service.reload(session)


Prepare = Callable[[Service], Awaitable[UploadSession]]
OUTCOMES: Final[dict[Prepare, SweepOutcome]] = {
    pending: SweepOutcome.EXPIRED,
    initiated: SweepOutcome.EXPIRED,
    in_progress: SweepOutcome.EXPIRED,
    completing: SweepOutcome.COMPLETED,
    aborting: SweepOutcome.ABORTED,
}


async def sweep(service: Service, *, dry_run: bool = False) -> dict[str, SweepOutcome]:
    report = await service.sweep(dry_run=dry_run)
    return {one.session.id: one.outcome for one in report.swept}


def advance_until_due(service: Service, session: UploadSession) -> None:
    """Move the clock to the last moment at which the sweep ignores the session."""
    assert session.due_at is not None
    service.clock.time = session.due_at + service.policy.grace


@pytest.mark.parametrize(("prepare", "outcome"), OUTCOMES.items())
async def test_session_is_swept_once_due_and_past_the_grace_period(
    service: Service, prepare: Prepare, outcome: SweepOutcome
) -> None:
    session = await prepare(service)
    advance_until_due(service, session)
    assert await sweep(service) == {}
    assert await service.reload(session) == session
    service.clock.time += MILLISECOND
    assert await sweep(service) == {session.id: outcome}
    ended = await service.reload(session)
    assert ended.state == outcome.value
    assert ended.lease is None
    assert await service.bucket.list_uploads(session.key) == []
    found = await service.bucket.head_object(session.key)
    assert (found is not None) == (outcome is SweepOutcome.COMPLETED)
    assert await sweep(service) == {}


@pytest.mark.parametrize(("prepare", "outcome"), OUTCOMES.items())
async def test_dry_run_reports_the_same_and_changes_nothing(
    service: Service, prepare: Prepare, outcome: SweepOutcome
) -> None:
    session = await prepare(service)
    advance_until_due(service, session)
    service.clock.time += MILLISECOND
    opened = await service.bucket.list_uploads(session.key)
    for _ in range(2):
        assert await sweep(service, dry_run=True) == {session.id: outcome}
    assert await service.reload(session) == session
    assert await service.bucket.list_uploads(session.key) == opened


async def test_upload_with_recent_stored_parts_is_kept(
    service: Service, clock: SettableClock
) -> None:
    # The client reports nothing until the end, so only the store shows its activity.
    session = await service.start_session(size=2 * PART_SIZE)
    clock.advance(days=6)
    await service.put(session, 1, bytes(PART_SIZE))
    stored_at = clock.now()
    clock.advance(days=5)
    assert await sweep(service, dry_run=True) == {session.id: SweepOutcome.KEPT}
    assert await service.reload(session) == session
    assert await sweep(service) == {session.id: SweepOutcome.KEPT}
    assert (await service.reload(session)).active_at == stored_at
    assert await sweep(service) == {}
    clock.advance(days=3)
    assert await sweep(service) == {session.id: SweepOutcome.EXPIRED}


async def test_old_stored_parts_do_not_keep_an_upload(
    service: Service, clock: SettableClock
) -> None:
    session = await service.start_session()
    clock.advance(hours=1)
    await service.put(session)
    clock.advance(days=8)
    assert await sweep(service) == {session.id: SweepOutcome.EXPIRED}


async def test_interrupted_complete_with_missing_parts_is_reopened(
    service: Service, clock: SettableClock
) -> None:
    session = await service.start_session(size=2 * PART_SIZE)
    await service.upload(session, 1, bytes(PART_SIZE))
    stored = await service.reload(session)
    lease = Lease("crashed process", clock.now())
    await service.sessions.save(stored.completing(lease, clock.now()))
    clock.advance(minutes=10)
    assert await sweep(service) == {session.id: SweepOutcome.REOPENED}
    await service.upload(session, 2, bytes(PART_SIZE))
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_interrupted_complete_of_a_lost_upload_is_reopened(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    lease = Lease("crashed process", clock.now())
    await service.sessions.save(session.completing(lease, clock.now()))
    await service.lose(session)
    clock.advance(minutes=10)
    assert await sweep(service) == {session.id: SweepOutcome.REOPENED}
    assert (await service.reload(session)).is_lost


async def test_complete_that_keeps_failing_expires(service: Service, clock: SettableClock) -> None:
    session = await service.upload_whole()
    failing = replace(service, store=StoreFailingToComplete(service.store))
    with pytest.raises(StoreUnavailableError):
        await failing.complete(reference_to(session))
    for _ in range(6):
        clock.advance(days=1)
        assert await sweep(failing) == {session.id: SweepOutcome.FAILED}
    clock.advance(days=1)
    assert await sweep(failing) == {session.id: SweepOutcome.EXPIRED}
    assert await service.bucket.list_uploads(session.key) == []


async def test_committed_complete_never_expires(service: Service, clock: SettableClock) -> None:
    session = await service.upload_whole()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=StoreAnswersLost(service.store)).complete(
            reference_to(session)
        )
    clock.advance(days=8)
    assert await sweep(service) == {session.id: SweepOutcome.COMPLETED}


async def test_complete_refused_by_the_store_is_reopened(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    with pytest.raises(StoreUnavailableError):
        await replace(service, store=UnavailableStore(service.store)).complete(
            reference_to(session)
        )
    clock.advance(minutes=10)
    forbidding = replace(service, store=ForbiddingStore(service.store, "list_parts"))
    assert await sweep(forbidding) == {session.id: SweepOutcome.REOPENED}
    assert (await service.complete(reference_to(session))).state is SessionState.COMPLETED


async def test_refused_scan_is_reported(service: Service) -> None:
    forbidding = replace(service, store=ForbiddingStore(service.store, "scan_uploads"))
    assert not (await forbidding.sweep()).is_complete


async def test_session_that_no_longer_exists_counts_as_taken(
    service: Service, clock: SettableClock
) -> None:
    class SessionGone(ForwardingRepository):
        async def save(self, session: UploadSession) -> UploadSession:
            del session
            raise SessionNotFoundError

    session = await service.upload_whole()
    clock.advance(days=8)
    late = replace(service, sessions=SessionGone(service.sessions))
    assert await sweep(late) == {session.id: SweepOutcome.TAKEN}


async def test_unexpected_error_of_one_session_does_not_stop_the_others(
    service: Service, clock: SettableClock
) -> None:
    broken, fine = await in_progress(service), await in_progress(service)

    class BrokenStore(StoreProxy):
        async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
            if key == broken.key:
                raise ZeroDivisionError
            return await super().list_parts(key, store_upload_id)

    clock.advance(days=8)
    assert await sweep(replace(service, store=BrokenStore(service.store))) == {
        broken.id: SweepOutcome.FAILED,
        fine.id: SweepOutcome.EXPIRED,
    }


async def test_dry_run_reports_whether_an_abort_was_an_expiry(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    lease = Lease("crashed sweep", clock.now())
    await service.sessions.save(session.expiring(lease, clock.now()))
    clock.advance(minutes=10)
    assert await sweep(service, dry_run=True) == {session.id: SweepOutcome.EXPIRED}
    assert await sweep(service) == {session.id: SweepOutcome.EXPIRED}


async def test_failing_sessions_are_tried_once_per_pass(
    service: Service, clock: SettableClock
) -> None:
    template = await service.start_session()
    for n in range(450):
        await service.sessions.add(replace(template, id=f"u{n:03}", key=f"k/u{n:03}/f"))
    clock.advance(days=8)
    report = await replace(service, store=UnreadableStore(service.store)).sweep()
    assert report.counts == Counter({SweepOutcome.FAILED: 451})
    assert len({one.session.id for one in report.swept}) == 451


async def test_committed_complete_is_not_repeated_in_the_store(
    service: Service, clock: SettableClock
) -> None:
    session = await completing(service)
    clock.advance(hours=1)
    counting = CountingStore(service.store)
    await replace(service, store=counting).sweep()
    assert counting.completed == 0
    done = await service.reload(session)
    assert done.result == await service.bucket.head_object(session.key)


async def test_upload_lost_by_the_store_expires(service: Service, clock: SettableClock) -> None:
    session = await service.upload_whole()
    await service.lose(session)
    clock.advance(days=8)
    assert await sweep(service) == {session.id: SweepOutcome.EXPIRED}


async def test_expiry_aborts_every_store_upload_of_the_key(
    service: Service, clock: SettableClock
) -> None:
    # botocore retries a create after a lost answer, which opens two.
    class OpensTwo(StoreProxy):
        async def create_upload(self, new: NewObject) -> OpenedUpload:
            await super().create_upload(new)
            return await super().create_upload(new)

    session = await replace(service, store=OpensTwo(service.store)).start_session()
    assert len(await service.bucket.list_uploads(session.key)) == 2
    clock.advance(days=8)
    assert await sweep(service) == {session.id: SweepOutcome.EXPIRED}
    assert await service.bucket.list_uploads(session.key) == []


@pytest.mark.parametrize("prepare", [in_progress, aborting, pending])
async def test_unavailable_store_is_reported_and_retried(
    service: Service, prepare: Prepare
) -> None:
    session = await prepare(service)
    advance_until_due(service, session)
    service.clock.time += MILLISECOND
    unavailable = replace(service, store=UnreadableStore(service.store))
    report = await unavailable.sweep()
    assert report.counts == Counter({SweepOutcome.FAILED: 1})
    assert not report.is_complete
    service.clock.time += service.policy.grace + MILLISECOND
    assert (await sweep(service))[session.id] == OUTCOMES[prepare]


async def test_failure_of_one_session_does_not_stop_the_others(
    service: Service, clock: SettableClock
) -> None:
    failing, fine = await in_progress(service), await in_progress(service)

    class FailsForOne(StoreProxy):
        async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
            if key == failing.key:
                raise StoreUnavailableError
            return await super().list_parts(key, store_upload_id)

    clock.advance(days=8)
    report = await replace(service, store=FailsForOne(service.store)).sweep()
    assert {one.session.id: one.outcome for one in report.swept} == {
        failing.id: SweepOutcome.FAILED,
        fine.id: SweepOutcome.EXPIRED,
    }


async def test_sweep_fails_without_the_repository(service: Service) -> None:
    class FindsNothing(ForwardingRepository):
        async def find_due(self, *_: object, **__: object) -> list[UploadSession]:
            raise RepositoryUnavailableError

    with pytest.raises(RepositoryUnavailableError):
        await replace(service, sessions=FindsNothing(service.sessions)).sweep()


async def test_three_concurrent_sweeps_do_everything_once(
    service: Service, clock: SettableClock
) -> None:
    sessions = [await in_progress(service) for _ in range(12)]
    for session in sessions[:6]:
        failing = replace(service, store=StoreAnswersLost(service.store))
        with pytest.raises(StoreUnavailableError):
            await failing.complete(reference_to(session))
    clock.advance(days=8)
    counting = CountingStore(service.store)
    schedule = repeat(1)
    several = replace(
        service,
        sessions=YieldingRepository(service.sessions, schedule),
        store=YieldingStore(counting, schedule),
    )
    reports = await asyncio.gather(*(several.sweep() for _ in range(3)))
    outcomes = sum((report.counts for report in reports), Counter[SweepOutcome]())
    assert outcomes[SweepOutcome.COMPLETED] == outcomes[SweepOutcome.EXPIRED] == 6
    assert set(outcomes) <= {
        SweepOutcome.COMPLETED,
        SweepOutcome.EXPIRED,
        SweepOutcome.TAKEN,
    }
    assert counting.completed == 0


async def test_session_completed_during_the_sweep_is_not_expired(
    service: Service, clock: SettableClock
) -> None:
    session = await service.upload_whole()
    clock.advance(days=8)

    class CompletesUpload(StoreProxy):
        """Completes the upload while the sweep lists its parts."""

        async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
            parts = await super().list_parts(key, store_upload_id)
            await service.complete(reference_to(session))
            return parts

    interleaved = replace(service, store=CompletesUpload(service.store))
    assert await sweep(interleaved) == {session.id: SweepOutcome.TAKEN}
    assert (await service.reload(session)).state is SessionState.COMPLETED
    assert await service.bucket.head_object(session.key) is not None


async def test_ended_sessions_are_purged_after_their_retention(
    service: Service, clock: SettableClock
) -> None:
    done = await service.complete(reference_to(await service.upload_whole()))
    clock.advance(days=30, minutes=5)
    assert (await service.sweep()).purged == 0
    clock.advance(seconds=0.001)
    assert (await service.sweep(dry_run=True)).purged == 0
    assert (await service.sweep()).purged == 1
    with pytest.raises(SessionNotFoundError):
        await service.reload(done)
    assert len(await service.sessions.list_parts(done.id)) == 0
    assert await service.bucket.head_object(done.key) is not None


async def add_expired_sessions(service: Service, count: int) -> None:
    template = await service.start_session()
    for n in range(count - 1):
        await service.sessions.add(replace(template, id=f"u{n:05}", key=f"k/u{n:05}/f"))
    service.clock.time += timedelta(days=8)


async def test_a_pass_is_bounded(service: Service) -> None:
    await add_expired_sessions(service, MAX_SESSIONS + 11)
    first = await service.sweep()
    assert len(first.swept) == MAX_SESSIONS
    assert first.next_position is not None
    assert first.is_worth_continuing
    second = await service.sweep(position=first.next_position)
    assert (len(second.swept), second.next_position) == (11, None)
    assert not second.is_worth_continuing


async def test_dry_run_visits_all_due_sessions_over_several_passes(service: Service) -> None:
    await add_expired_sessions(service, MAX_SESSIONS + 11)
    first = await service.sweep(dry_run=True)
    assert first.next_position is not None
    second = await service.sweep(dry_run=True, position=first.next_position)
    seen = {one.session.id for report in (first, second) for one in report.swept}
    assert (len(seen), second.next_position) == (MAX_SESSIONS + 11, None)


async def test_the_next_pass_does_not_list_the_store_again(service: Service) -> None:
    await add_expired_sessions(service, MAX_SESSIONS + 11)
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


async def test_backlog_is_swept_without_waiting(service: Service) -> None:
    await add_expired_sessions(service, 2 * MAX_SESSIONS + 11)
    assert await sweep_backlog(service.sweep, BEGINNING) == BEGINNING
    assert await service.sessions.find_due(service.clock.now(), 1) == []


async def test_failing_sessions_do_not_delay_a_backlog(service: Service) -> None:
    await add_expired_sessions(service, MAX_SESSIONS + 11)
    # All sessions of the first pass except one.
    failing = {f"k/u{n:05}/f" for n in range(MAX_SESSIONS - 1)}

    class FailsForSome(StoreProxy):
        async def list_parts(self, key: str, store_upload_id: str) -> list[StoredPart]:
            if key in failing:
                raise StoreUnavailableError
            return await super().list_parts(key, store_upload_id)

    some = replace(service, store=FailsForSome(service.store))
    assert await sweep_backlog(some.sweep, BEGINNING) == BEGINNING
    left = await service.sessions.find_due(service.clock.now(), 2 * MAX_SESSIONS)
    assert {session.key for session in left} == failing


async def test_backlog_waits_for_the_next_sweep_while_the_store_is_unavailable(
    service: Service,
) -> None:
    await add_expired_sessions(service, MAX_SESSIONS + 11)

    class StoreOutage(UnreadableStore):
        passes = 0

        async def scan_uploads(self, prefix: str, after: str | None = None) -> UploadPage:
            del prefix, after
            type(self).passes += 1
            raise StoreUnavailableError

    unavailable = replace(service, store=StoreOutage(service.store))
    position = await sweep_backlog(unavailable.sweep, BEGINNING)
    assert StoreOutage.passes == 1
    # The next attempt continues after the failed sessions.
    (next_pass,) = [await service.sweep(position=position)]
    assert next_pass.counts == Counter({SweepOutcome.EXPIRED: 11})


async def test_next_sweep_starts_over_after_a_database_outage(service: Service) -> None:
    class FindsNothing(ForwardingRepository):
        async def find_due(self, *_: object, **__: object) -> list[UploadSession]:
            raise RepositoryUnavailableError

    unavailable = replace(service, sessions=FindsNothing(service.sessions))
    assert await sweep_backlog(unavailable.sweep, SweepPosition(scan_after="k")) == BEGINNING


async def test_backlog_of_sessions_past_retention_is_purged_without_waiting(
    service: Service,
) -> None:
    done = await service.complete(reference_to(await service.upload_whole()))
    for n in range(MAX_SESSIONS):
        await service.sessions.add(replace(done, id=f"u{n:05}", key=f"k/u{n:05}/f"))
    service.clock.time += timedelta(days=31)
    await sweep_backlog(service.sweep, BEGINNING)
    assert await service.sessions.purge_sessions(service.clock.now(), 1) == 0
