"""After a crash or a failed port call anywhere, a retry or one sweep restores every invariant."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from multipart_upload.domain.errors import LeaseHeldError, StaleSessionError, UnavailableError

from .crashes.failpoints import (
    enumerate_faults,
    find_expected_answer,
    run_in_virtual_time,
    run_scenario,
)
from .crashes.process import FaultKind
from .crashes.recovery import RECOVERY_PATHS, RecoveryPath
from .crashes.requests import Scenario
from .crashes.scenarios import SCENARIOS

RETRYABLE: Final = (UnavailableError, LeaseHeldError, StaleSessionError)


@pytest.mark.parametrize("recovery", RECOVERY_PATHS.values(), ids=RECOVERY_PATHS)
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_every_fault_is_recovered_from(scenario: Scenario, recovery: RecoveryPath) -> None:
    run_in_virtual_time(_require_recovery(scenario, recovery))


async def _require_recovery(scenario: Scenario, recovery: RecoveryPath) -> None:
    expected, unfaulted = await find_expected_answer(scenario), await run_scenario(scenario)
    for fault in await enumerate_faults(scenario):
        run = await run_scenario(scenario, fault)
        try:
            if fault.kind is FaultKind.CANCELLATION:
                assert run.outcome is asyncio.CancelledError, "the call outlived its caller"
            else:
                assert run.outcome in (expected, unfaulted.outcome) or _is_retryable(run.outcome)
            await recovery(run.world, run.request, expected)
        except AssertionError as error:
            error.add_note(f"{fault} at {run.injected_at}: the client got {run.outcome!r}")
            raise


def _is_retryable(outcome: object) -> bool:
    return isinstance(outcome, type) and issubclass(outcome, RETRYABLE)
