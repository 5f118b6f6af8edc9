"""Run a scenario in a fresh world, with a fault injected at one of its port calls."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from itertools import product, starmap
from typing import Any, Final, TypeVar

from .process import CallSite, Extent, Fault, FaultKind, FaultyProcess, Timing
from .requests import Request, Scenario
from .virtual_time import VirtualTimeLoop
from .world import World

T = TypeVar("T")
_DAY: Final = 24 * 3600.0


@dataclass(slots=True)
class ScenarioRun:
    """A finished run of a scenario; `outcome` is the answer or the type of the error raised."""

    world: World
    request: Request
    process: FaultyProcess
    outcome: object

    @property
    def injected_at(self) -> CallSite:
        assert self.process.injected_at is not None, "no fault was injected"
        return self.process.injected_at


async def run_scenario(scenario: Scenario, fault: Fault | None = None) -> ScenarioRun:
    """Run the scenario in a new world, injecting the fault if there is one."""
    world = World()
    request = await scenario(world)
    await world.add_bystanders()
    process = FaultyProcess(fault)
    service = request.inject_faults(process, world.service)
    try:
        outcome = await process.run(request.answer(service))
    except asyncio.CancelledError:
        outcome = asyncio.CancelledError
    return ScenarioRun(world, request, process, outcome)


async def enumerate_faults(
    scenario: Scenario,
    timings: Iterable[Timing] = Timing,
    kinds: Iterable[FaultKind] = FaultKind,
    extents: Iterable[Extent] = Extent,
) -> list[Fault]:
    """List the faults to inject at each port call that an undisturbed run makes."""
    calls = range(len((await run_scenario(scenario)).process.call_sites))
    return list(starmap(Fault, product(calls, timings, kinds, extents)))


async def find_expected_answer(scenario: Scenario) -> object:
    """Return what the client gets when no fault is injected."""
    world = World()
    return await (await scenario(world)).answer_with_retry(world)


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine in virtual time, for at most a day of that time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(asyncio.wait_for(work, _DAY))
