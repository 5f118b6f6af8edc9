"""Promises about the parts of a session: record, list, count."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from ...application.ports import SessionRepository
from ...domain.limits import MAX_PART_COUNT
from ...domain.part import PartState
from ...domain.session import SessionState
from .sample_sessions import sample_part, sample_session


class PartRecordingContract:
    """Each part number is stored once, with its last report."""

    async def test_every_field_of_a_part_is_stored(self, sessions: SessionRepository) -> None:
        parts = [
            sample_part(1, state=PartState.VERIFIED),
            sample_part(2, "é $weird.etag", size=None),
            sample_part(3, size=0),
        ]
        await sessions.record_parts("upload-1", parts)
        assert await sessions.list_parts("upload-1") == parts

    async def test_sizes_are_returned_as_plain_int(self, sessions: SessionRepository) -> None:
        # An equal value of a driver's own type cannot be sent as JSON.
        parts = [sample_part(1, size=2**31), sample_part(2, size=1)]
        await sessions.record_parts("upload-1", parts)
        assert [type(part.size) for part in await sessions.list_parts("upload-1")] == [int, int]

    async def test_recorded_at_is_returned_in_utc(self, sessions: SessionRepository) -> None:
        await sessions.record_parts("upload-1", [sample_part()])
        (part,) = await sessions.list_parts("upload-1")
        assert part.recorded_at.utcoffset() == timedelta(0)

    async def test_parts_are_listed_by_number_regardless_of_recording_order(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.record_parts("upload-1", [sample_part(n) for n in (100, 9)])
        await sessions.record_parts("upload-1", [sample_part(n) for n in (10, 2)])
        assert [part.number for part in await sessions.list_parts("upload-1")] == [2, 9, 10, 100]

    async def test_recording_a_number_again_replaces_every_field(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.record_parts("upload-1", [sample_part(1, "aa", state=PartState.VERIFIED)])
        await sessions.record_parts("upload-1", [sample_part(1, "bb", size=None)])
        assert await sessions.list_parts("upload-1") == [sample_part(1, "bb", size=None)]

    async def test_last_part_of_a_number_within_one_call_wins(
        self, sessions: SessionRepository
    ) -> None:
        reports = [sample_part(1, "aa"), sample_part(2, "bb"), sample_part(1, "cc", size=None)]
        await sessions.record_parts("upload-1", reports)
        assert await sessions.list_parts("upload-1") == [reports[2], reports[1]]

    async def test_a_part_recorded_twice_counts_once(self, sessions: SessionRepository) -> None:
        for number in (1, 2, 1):
            await sessions.record_parts("upload-1", [sample_part(number)])
        assert len(await sessions.list_parts("upload-1")) == 2

    async def test_session_without_parts_lists_none_and_counts_zero(
        self, sessions: SessionRepository
    ) -> None:
        await sessions.add(sample_session())
        for upload_id in ("upload-1", "unknown"):
            assert await sessions.list_parts(upload_id) == []
            assert len(await sessions.list_parts(upload_id)) == 0

    async def test_forget_parts_removes_only_the_parts_of_that_session(
        self, sessions: SessionRepository
    ) -> None:
        for upload_id in ("upload-1", "upload-2"):
            await sessions.record_parts(upload_id, [sample_part(1), sample_part(2)])
        for _ in range(2):
            await sessions.forget_parts("upload-1")
        assert await sessions.list_parts("upload-1") == []
        assert len(await sessions.list_parts("upload-2")) == 2
        await sessions.record_parts("upload-1", [sample_part(3)])
        assert await sessions.list_parts("upload-1") == [sample_part(3)]

    async def test_recording_no_parts_changes_nothing(self, sessions: SessionRepository) -> None:
        await sessions.record_parts("upload-1", [sample_part()])
        await sessions.record_parts("upload-1", [])
        assert await sessions.list_parts("upload-1") == [sample_part()]

    async def test_sessions_do_not_share_parts(self, sessions: SessionRepository) -> None:
        await sessions.record_parts("upload-1", [sample_part(1, "aa"), sample_part(2)])
        await sessions.record_parts("upload-2", [sample_part(1, "bb")])
        assert await sessions.list_parts("upload-2") == [sample_part(1, "bb")]
        assert len(await sessions.list_parts("upload-1")) == 2

    async def test_recording_parts_does_not_change_the_session_in_any_state(
        self, sessions: SessionRepository
    ) -> None:
        session = sample_session(state=SessionState.COMPLETED)
        await sessions.add(session)
        await sessions.record_parts(session.id, [sample_part()])
        assert await sessions.get(session.id) == session
        assert len(await sessions.list_parts(session.id)) == 1

    async def test_saving_a_session_keeps_its_parts(self, sessions: SessionRepository) -> None:
        await sessions.add(sample_session())
        await sessions.record_parts("upload-1", [sample_part()])
        await sessions.save(sample_session())
        assert await sessions.list_parts("upload-1") == [sample_part()]

    async def test_racing_writes_of_one_number_store_exactly_one_of_them(
        self, sessions: SessionRepository
    ) -> None:
        reports = [sample_part(7, f"etag-{n}", size=n) for n in range(50)]
        await asyncio.gather(*(sessions.record_parts("upload-1", [part]) for part in reports))
        (stored,) = await sessions.list_parts("upload-1")
        assert stored in reports
        assert len(await sessions.list_parts("upload-1")) == 1

    async def test_racing_reports_of_many_numbers_are_all_kept(
        self, sessions: SessionRepository
    ) -> None:
        parts = [sample_part(n) for n in range(1, 51)]
        await asyncio.gather(*(sessions.record_parts("upload-1", [part]) for part in parts))
        assert await sessions.list_parts("upload-1") == parts

    async def test_racing_batches_in_opposite_orders_all_end(
        self, sessions: SessionRepository
    ) -> None:
        # Row locks taken in the order of each batch would deadlock.
        parts = [sample_part(n) for n in range(1, 101)]
        batches = [parts, parts[::-1]] * 4
        await asyncio.gather(*(sessions.record_parts("upload-1", batch) for batch in batches))
        assert await sessions.list_parts("upload-1") == parts

    async def test_racing_batches_that_overlap_count_each_number_once(
        self, sessions: SessionRepository
    ) -> None:
        batches = [[sample_part(n) for n in range(first, first + 40)] for first in (1, 21, 41, 61)]
        await asyncio.gather(*(sessions.record_parts("upload-1", batch) for batch in batches))
        assert len(await sessions.list_parts("upload-1")) == 100

    @pytest.mark.parametrize("number", [1, 59, 60, 1999, 2000, MAX_PART_COUNT])
    async def test_any_part_number_counts_once(
        self, sessions: SessionRepository, number: int
    ) -> None:
        for _ in range(2):
            await sessions.record_parts("upload-1", [sample_part(number)])
        assert len(await sessions.list_parts("upload-1")) == 1
        assert [part.number for part in await sessions.list_parts("upload-1")] == [number]

    async def test_ten_thousand_parts_are_recorded_in_one_call(
        self, sessions: SessionRepository
    ) -> None:
        parts = [sample_part(n) for n in range(1, MAX_PART_COUNT + 1)]
        await sessions.record_parts("upload-1", parts)
        assert len(await sessions.list_parts("upload-1")) == MAX_PART_COUNT
        assert await sessions.list_parts("upload-1") == parts
