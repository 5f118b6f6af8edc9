"""A process in a world of its own, struck at one of its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from itertools import product, starmap
from typing import Any, Final, TypeVar

from .process import DyingProcess, Extent, Manner, Moment, Site, Strike
from .requests import Request, Scenario
from .virtual_time import VirtualTimeLoop
from .world import World

T = TypeVar("T")
_DAY: Final = 24 * 3600.0


@dataclass(slots=True)
class Play:
    """A scenario played to the end of its call; `outcome` is an answer or the type of an error."""

    world: World
    request: Request
    process: DyingProcess
    outcome: object

    @property
    def struck_at(self) -> Site:
        assert self.process.struck_at is not None, "the process was never struck"
        return self.process.struck_at


async def played(scenario: Scenario, strike: Strike | None = None) -> Play:
    """Make a world and play the scenario in it, in a process that may be struck."""
    world = World()
    request = await scenario(world)
    await world.crowd()
    process = DyingProcess(strike)
    service = request.as_seen_by(process, world.service)
    try:
        outcome = await process.run(request.answer(service))
    except asyncio.CancelledError:
        outcome = asyncio.CancelledError
    return Play(world, request, process, outcome)


async def strikes_of(
    scenario: Scenario,
    moments: Iterable[Moment] = Moment,
    manners: Iterable[Manner] = Manner,
    extents: Iterable[Extent] = Extent,
) -> list[Strike]:
    """Give the strikes at each call that a process makes when it is not struck."""
    calls = range(len((await played(scenario)).process.sites))
    return list(starmap(Strike, product(calls, moments, manners, extents)))


async def wanted_of(scenario: Scenario) -> object:
    """Give the answer that a client gets when nobody dies."""
    world = World()
    return await (await scenario(world)).answer_to_patience(world)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a time that nobody has to wait for, but that ends."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(asyncio.wait_for(work, _DAY))
