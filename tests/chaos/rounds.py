"""Rounds of load with a kill in each, and a check of the final state."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

from .environment import Environment
from .final_state import FinalState
from .load import under_load
from .rules import find_violations

ROUNDS: Final = int(os.environ.get("CHAOS_ROUNDS", "30"))
SEED: Final = os.environ.get("CHAOS_SEED", "5")
_SECONDS_BEFORE_KILL: Final = (0.05, 1.5)
"""The seconds of load before each kill."""
Kill = Callable[[Environment, Random], None]


def survive(environment: Environment, kill: Kill) -> None:
    """Kill under load repeatedly; nothing that was acknowledged may be lost or undone."""
    print(f"to reproduce: CHAOS_SEED={SEED} CHAOS_ROUNDS={ROUNDS}")  # noqa: T201
    random = Random(SEED)  # noqa: S311
    with under_load(SEED, environment.where, store_may_lose=environment.store_may_lose) as load:
        for _ in range(ROUNDS):
            time.sleep(random.uniform(*_SECONDS_BEFORE_KILL))
            load.raise_client_failures()
            kill(environment, random)
            environment.wait_until_ready()
    swept = environment.sweep_once()
    final = FinalState.read(
        load.histories, environment.rows(), environment.storage, may_lose=environment.store_may_lose
    )
    states = Counter(row.state for row in final.rows.sessions.values())
    print(f"{len(load.histories)} uploads: {dict(states)}\n{swept}")  # noqa: T201
    found = find_violations(final)
    assert not found, "\n".join(found[:20])
    assert states["completed"], "nothing was uploaded, so nothing is proven"
    environment.storage.delete_objects()


def kill_service(environment: Environment, _: Random) -> None:
    environment.kill_service()
    environment.start_service()
