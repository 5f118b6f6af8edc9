"""What follows a fault, and the state that every recovery path must reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from .requests import Request
from .world import World

RecoveryPath: TypeAlias = Callable[[World, Request, object], Awaitable[None]]


async def _retry_then_sweep(world: World, request: Request, expected: object) -> None:
    """The client retries at once, and another process answers."""
    assert await request.answer_with_retry(world) == expected
    world.pass_leases_and_grace()
    await _sweep_once(world)
    assert await request.answer(world.service) == expected
    await world.require_clean()


async def _sweep_then_retry(world: World, request: Request, expected: object) -> None:
    """The sweep runs before the client retries."""
    world.pass_leases_and_grace()
    await _sweep_once(world)
    assert await request.answer(world.service) in (expected, request.late_answer)


async def _sweep_at_the_end(world: World, _request: Request, _expected: object) -> None:
    """The client never retries."""
    world.pass_expiry()
    open_rows = [row for row in await world.rows() if row.state.is_open]
    for row in open_rows:
        world.drop_expectations(row)
    await _sweep_once(world)
    swept = [await world.service.reload(row) for row in open_rows]
    assert all(row.state.is_terminal for row in swept), "an expired upload is still open"


async def _sweep_once(world: World) -> None:
    report = await world.service.sweep()
    assert report.is_complete
    await world.require_clean()


RECOVERY_PATHS: Final[dict[str, RecoveryPath]] = {
    "the client retries first": _retry_then_sweep,
    "the sweep runs first": _sweep_then_retry,
    "only the sweep runs": _sweep_at_the_end,
}
