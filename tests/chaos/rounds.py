"""Rounds of load with something killed in the middle, and what is left in the end."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

from .environment import Environment
from .final_state import Aftermath, emptied
from .load import under_load
from .rules import broken

ROUNDS: Final = int(os.environ.get("CHAOS_ROUNDS", "30"))
SEED: Final = os.environ.get("CHAOS_SEED", "5")
_CALM: Final = (0.05, 1.5)
"""The seconds of load before each kill."""
Kill = Callable[[Environment, Random], None]


def survive(arena: Environment, kill: Kill) -> None:
    """Kill under load again and again; nothing that was answered may be lost or undone."""
    print(f"to see it again: CHAOS_SEED={SEED} CHAOS_ROUNDS={ROUNDS}")  # noqa: T201
    random = Random(SEED)  # noqa: S311
    with under_load(SEED, arena.where, store_may_lose=arena.store_may_lose) as load:
        for _ in range(ROUNDS):
            time.sleep(random.uniform(*_CALM))
            load.require_well()
            kill(arena, random)
            arena.wait_until_ready()
    swept = arena.sweep_once()
    seen = Aftermath.seen(load.told, arena.rows(), arena.bucket, may_lose=arena.store_may_lose)
    states = Counter(row.state for row in seen.rows.sessions.values())
    print(f"{len(load.told)} uploads: {dict(states)}\n{swept}")  # noqa: T201
    found = broken(seen)
    assert not found, "\n".join(found[:20])
    assert states["completed"], "nothing was uploaded, so nothing is proven"
    emptied(arena.bucket)


def kill_service(arena: Environment, _: Random) -> None:
    arena.kill_service()
    arena.start_service()
