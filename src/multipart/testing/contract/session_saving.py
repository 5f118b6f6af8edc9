"""Promises about one session: add, get, save."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from ...application.ports import SessionRepository
from ...domain.errors import SessionNotFoundError, StaleSessionError
from ...domain.limits import MAX_OBJECT_SIZE, MAX_PART_COUNT, MAX_PART_SIZE
from ...domain.part_plan import PartPlan
from ...domain.session import Lease, StoredObject, UploadSession
from .sample_sessions import MILLISECOND, NOW, full_session, sample_session

RACERS = 50
LEASE = Lease("worker-1", NOW + timedelta(seconds=30, milliseconds=7))
LATER = NOW + timedelta(minutes=5, milliseconds=1)
RETENTION = timedelta(days=30, milliseconds=5)
RESULT = StoredObject(location="https://bucket.example/key", etag="0f-2", size=17)


async def try_save(sessions: SessionRepository, session: UploadSession) -> bool:
    """Return whether the session was stored, or False if it was stale."""
    try:
        await sessions.save(session)
    except StaleSessionError:
        return False
    return True


async def try_add(sessions: SessionRepository, session: UploadSession) -> bool:
    """Return whether the session was stored, or False if it was stale."""
    try:
        await sessions.add(session)
    except StaleSessionError:
        return False
    return True


class SessionSavingContract:
    """Sessions are read as they were stored, and no change is lost silently."""

    @pytest.mark.parametrize("session", [sample_session(), full_session()], ids=["bare", "full"])
    async def test_every_field_of_a_session_is_stored(
        self, sessions: SessionRepository, session: UploadSession
    ) -> None:
        await sessions.add(session)
        assert await sessions.get(session.id) == session

    async def test_sizes_are_returned_as_plain_int(self, sessions: SessionRepository) -> None:
        large = PartPlan(MAX_OBJECT_SIZE, MAX_PART_SIZE, MAX_PART_COUNT)
        result = StoredObject(location="http://s3/key", etag="e", size=MAX_OBJECT_SIZE)
        session = replace(sample_session(), plan=large, result=result)
        await sessions.add(session)
        read = await sessions.get(session.id)
        assert read.plan is not None
        assert read.result is not None
        sizes = (read.plan.size, read.plan.part_size, read.plan.part_count, read.result.size)
        assert [type(size) for size in (*sizes, read.version)] == [int] * 5

    async def test_times_are_returned_in_utc(self, sessions: SessionRepository) -> None:
        await sessions.add(full_session())
        read = await sessions.get(full_session().id)
        assert read.lease is not None
        times = (read.created_at, read.active_at, read.expires_at, read.lease.deadline)
        assert [time.utcoffset() for time in times] == [timedelta(0)] * 4

    async def test_times_keep_their_milliseconds(self, sessions: SessionRepository) -> None:
        # Seconds stored as floating point would lose some of these.
        added = [sample_session(f"u{n}", created_at=NOW + n * 37 * MILLISECOND) for n in range(30)]
        for session in added:
            await sessions.add(session)
        assert [await sessions.get(session.id) for session in added] == added

    async def test_unknown_id_is_not_found(self, sessions: SessionRepository) -> None:
        await sessions.add(sample_session("upload-1"))
        for upload_id in ("upload-2", "UPLOAD-1", "upload-", "upload-1 ", "%", ""):
            with pytest.raises(SessionNotFoundError):
                await sessions.get(upload_id)

    async def test_id_can_be_added_only_once(self, sessions: SessionRepository) -> None:
        await sessions.add(sample_session(user_id="alice"))
        with pytest.raises(StaleSessionError):
            await sessions.add(sample_session(user_id="bob"))
        assert await sessions.get("upload-1") == sample_session(user_id="alice")

    async def test_exactly_one_of_many_concurrent_adds_of_one_id_wins(
        self, sessions: SessionRepository
    ) -> None:
        racers = [sample_session(user_id=f"user-{n}") for n in range(RACERS)]
        won = await asyncio.gather(*(try_add(sessions, racer) for racer in racers))
        assert sum(won) == 1
        assert await sessions.get("upload-1") == racers[won.index(True)]

    async def test_every_transition_of_a_completed_upload_is_stored(
        self, sessions: SessionRepository
    ) -> None:
        session = replace(full_session(), **_INITIAL_FIELDS)
        await sessions.add(session)
        for change in (
            session.opening(LEASE, LATER),
            session.initiated("2~abc", LATER, LATER + RETENTION),
            session.initiated("2~abc", LATER).part_recorded(LATER + MILLISECOND),
            _completing(session),
            _completing(session).lease_renewed(LEASE.deadline + MILLISECOND),
            _completing(session).store_upload_lost(LATER),
            _completing(session).lease_released(),
            _completing(session).completion_refused(LATER),
            _completing(session),
            _completing(session).completed(RESULT, LATER + 3 * MILLISECOND, RETENTION),
        ):
            session = await sessions.save(change.with_version(session.version))
            assert session == change.with_version(session.version)
            assert await sessions.get(session.id) == session

    async def test_every_transition_of_an_aborted_upload_is_stored(
        self, sessions: SessionRepository
    ) -> None:
        session = sample_session()
        await sessions.add(session)
        initiated = session.initiated("2~abc", LATER)
        for change in (
            initiated,
            initiated.aborting(LEASE, LATER),
            initiated.aborting(LEASE, LATER).lease_released(),
            initiated.aborting(LEASE, LATER).ended(LATER + MILLISECOND, RETENTION),
        ):
            session = await sessions.save(change.with_version(session.version))
            assert session == change.with_version(session.version)
            assert await sessions.get(session.id) == session

    async def test_save_returns_a_version_that_can_be_saved_again(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(sample_session())
        first = await sessions.save(sample_session().initiated("2~abc", LATER))
        second = await sessions.save(first.part_recorded(LATER))
        assert len({sample_session().version, first.version, second.version}) == 3

    async def test_save_from_an_old_version_is_refused_and_changes_nothing(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(sample_session())
        stored = await sessions.save(sample_session().initiated("2~abc", LATER))
        with pytest.raises(StaleSessionError):
            await sessions.save(sample_session().initiated("2~other", LATER))
        assert await sessions.get("upload-1") == stored

    async def test_save_from_an_unknown_version_is_refused(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(sample_session())
        with pytest.raises(StaleSessionError):
            await sessions.save(sample_session().initiated("2~abc", LATER).with_version(99))

    async def test_saving_an_unchanged_session_still_advances_the_version(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(sample_session())
        await sessions.save(sample_session())
        with pytest.raises(StaleSessionError):
            await sessions.save(sample_session())

    async def test_saving_a_session_that_was_never_added_raises_not_found(
        self, sessions: SessionRepository
    ) -> None:
        with pytest.raises(SessionNotFoundError):
            await sessions.save(sample_session())
        with pytest.raises(SessionNotFoundError):
            await sessions.get("upload-1")

    async def test_save_does_not_change_other_sessions(self, sessions: SessionRepository) -> None:
        for upload_id in ("upload-1", "upload-2"):
            await sessions.add(sample_session(upload_id))
        await sessions.save(sample_session("upload-1").initiated("2~abc", LATER))
        assert await sessions.get("upload-2") == sample_session("upload-2")

    async def test_exactly_one_of_many_concurrent_saves_of_one_version_wins(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(sample_session())
        racers = [sample_session().initiated(f"2~{n}", LATER) for n in range(RACERS)]
        won = await asyncio.gather(*(try_save(sessions, racer) for racer in racers))
        assert sum(won) == 1
        stored = await sessions.get("upload-1")
        assert stored == racers[won.index(True)].with_version(stored.version)

    async def test_concurrent_callers_that_retry_lose_no_change(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(sample_session())

        async def add_one_millisecond() -> None:
            while True:
                read = await sessions.get("upload-1")
                changed = replace(read, active_at=read.active_at + MILLISECOND)
                if await try_save(sessions, changed):
                    return

        await asyncio.gather(*(add_one_millisecond() for _ in range(8)))
        assert (await sessions.get("upload-1")).active_at == NOW + 8 * MILLISECOND


_INITIAL_FIELDS = {
    field: getattr(sample_session(), field)
    for field in ("state", "store_upload_id", "lease", "ending", "result", "retained_until")
}


def _completing(session: UploadSession) -> UploadSession:
    pending = replace(session, **_INITIAL_FIELDS)
    recorded = pending.initiated("2~abc", LATER).part_recorded(LATER)
    return recorded.completing(LEASE, LATER + 2 * MILLISECOND)
