"""Delays between attempts, parts in flight, bandwidth, part sizes, and state files."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from multipart_upload_client import AsyncClient, RetryPolicy, UploadReference
from multipart_upload_client.parallelism import Slots
from multipart_upload_client.plan import MIB, PartPlan, choose_part_size
from multipart_upload_client.rate_limit import RateLimit
from multipart_upload_client.retry import MAX_RETRY_AFTER, parse_retry_after
from multipart_upload_client.state import SavedUpload, StateFile
from tests.e2e.upload import GIB

from .environment import Delays

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_delays_double_up_to_the_maximum_with_jitter() -> None:
    shortest = RetryPolicy(jitter=lambda: 0.0)
    longest = RetryPolicy(jitter=lambda: 1.0)
    assert [shortest.delay(failures, None) for failures in (1, 2, 3, 9)] == [0.25, 0.5, 1, 15]
    assert [longest.delay(failures, None) for failures in (1, 2, 3, 9)] == [0.5, 1, 2, 30]


def test_delay_is_never_shorter_than_retry_after_but_limited() -> None:
    policy = RetryPolicy(jitter=lambda: 0.0)
    assert policy.delay(1, 40) == 40
    assert policy.delay(1, 1e9) == MAX_RETRY_AFTER


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("12", 12),
        (" 0", 0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOON) == seconds


async def test_slots_grow_while_parts_arrive_and_halve_on_overload() -> None:
    slots = Slots(most=6)
    limits = [slots.limit]
    for _ in range(4 + 5 + 6):
        slots.grow()
        limits.append(slots.limit)
    assert limits == [4] * 4 + [5] * 5 + [6] * 7
    slots.shrink()
    assert slots.limit == 3
    for _ in range(5):
        slots.shrink()
    assert slots.limit == 1


async def test_slots_are_granted_in_order_and_not_to_the_cancelled() -> None:
    slots = Slots(most=1)
    await slots.take()
    granted: list[str] = []

    async def take(name: str) -> None:
        await slots.take()
        granted.append(name)
        slots.release()

    first, second, third = (asyncio.create_task(take(name)) for name in "abc")
    await asyncio.sleep(0)
    second.cancel()
    slots.release()
    await asyncio.gather(first, third)
    assert granted == ["a", "c"]
    assert slots.taken == 0


async def test_slot_granted_at_the_moment_of_a_cancellation_is_released() -> None:
    slots = Slots(most=1)
    await slots.take()
    waiting = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    slots.release()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert slots.taken == 0


async def test_rate_limit_spaces_pieces() -> None:
    delays = Delays()
    limit = RateLimit(1000, clock=lambda: 100.0, sleep=delays.sleep)
    for size in (500, 1000, 100):
        await limit.wait(size)
    assert delays.asked == [0, 0.5, 1.5]


def test_pieces_are_small_under_a_low_rate_limit() -> None:
    assert RateLimit().piece_size == MIB
    assert RateLimit(1_000_000).piece_size == 100_000
    assert RateLimit(1).piece_size == 16 * 1024
    assert RateLimit(1e12).piece_size == MIB


@pytest.mark.parametrize("options", [{"limit_rate": 0}, {"parallel": 0}])
def test_limits_are_positive(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        AsyncClient("http://service", **options)  # type: ignore[arg-type]


def test_last_part_of_a_plan_has_the_rest() -> None:
    plan = PartPlan(size=25, part_size=10, part_count=3)
    parts = [plan.part(number) for number in plan.numbers]
    assert [(part.offset, part.size) for part in parts] == [(0, 10), (10, 10), (20, 5)]
    assert plan.size_of([1, 3]) == 15


def test_parts_of_a_stream_are_large_enough_for_its_expected_size() -> None:
    assert choose_part_size(0) == choose_part_size(156 * GIB) == 16 * MIB
    assert choose_part_size(200 * GIB) == 21 * MIB


def test_state_file_survives_a_line_cut_by_a_crash(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "folder" / "state")
    saved = SavedUpload({"size": 5}, 7, "key", UploadReference("id", "key"))
    state.save(saved)
    for number in (1, 12):
        state.add_arrived(number)
    with state.path.open("a") as file:
        file.write("3")
    loaded = state.load()
    assert loaded is not None
    assert loaded.arrived == {1, 12}
    state.keep_arrived([12])
    loaded = state.load()
    assert loaded is not None
    assert loaded.arrived == {12}
    assert loaded.reference == saved.reference


def test_state_file_is_private(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "folder" / "state")
    state.save(SavedUpload({}, 0, "key"))
    assert state.path.stat().st_mode & 0o077 == 0
    assert state.path.parent.stat().st_mode & 0o077 == 0
    assert list(state.path.parent.iterdir()) == [state.path]


def test_state_file_of_another_version_is_ignored(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state")
    assert state.load() is None
    state.path.write_text('{"version": 2}\n')
    assert state.load() is None


def test_removed_state_file_stays_removed(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state")
    state.add_arrived(1)
    state.keep_arrived([1])
    state.remove()
    assert not state.path.exists()
