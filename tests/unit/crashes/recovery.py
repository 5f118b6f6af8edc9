"""What happens in a world after a process has died in it, and what must have come of it then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from .requests import Request
from .world import World

Aftermath: TypeAlias = Callable[[World, Request, object], Awaitable[None]]


async def _retry_then_sweep(world: World, request: Request, wanted: object) -> None:
    """The client asks again at once, of another process."""
    assert await request.answer_to_patience(world) == wanted
    world.wait_for_leases()
    await _sweep_once(world)
    assert await request.answer(world.service) == wanted
    await world.require_clean()


async def _sweep_then_retry(world: World, request: Request, wanted: object) -> None:
    """The client takes its time."""
    world.wait_for_leases()
    await _sweep_once(world)
    assert await request.answer(world.service) in (wanted, request.late_answer)


async def _sweep_at_the_end(world: World, _request: Request, _wanted: object) -> None:
    """The client never comes back."""
    world.wait_for_expiry()
    stale = [row for row in await world.rows() if row.state.is_open]
    for row in stale:
        world.give_up(row)
    await _sweep_once(world)
    left = [await world.service.now(row) for row in stale]
    assert all(row.state.is_terminal for row in left), "a stale upload was not ended"


async def _sweep_once(world: World) -> None:
    report = await world.service.sweep()
    assert report.is_complete
    await world.require_clean()


AFTERMATHS: Final[dict[str, Aftermath]] = {
    "the client asks again": _retry_then_sweep,
    "a sweep comes first": _sweep_then_retry,
    "nobody comes but the sweep": _sweep_at_the_end,
}
