"""Wherever a process dies, or a port fails it: a retry or one sweep puts everything right."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from multipart_upload.domain.errors import LeaseHeldError, StaleSessionError, UnavailableError

from .crashes.failpoints import played, run, strikes_of, wanted_of
from .crashes.process import Manner
from .crashes.recovery import AFTERMATHS, Aftermath
from .crashes.requests import Scenario
from .crashes.scenarios import SCENARIOS

TRY_AGAIN: Final = (UnavailableError, LeaseHeldError, StaleSessionError)


@pytest.mark.parametrize("aftermath", AFTERMATHS.values(), ids=AFTERMATHS)
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_what_a_struck_process_leaves_is_put_right(
    scenario: Scenario, aftermath: Aftermath
) -> None:
    run(_put_right(scenario, aftermath))


async def _put_right(scenario: Scenario, aftermath: Aftermath) -> None:
    wanted, unstruck = await wanted_of(scenario), await played(scenario)
    for strike in await strikes_of(scenario):
        play = await played(scenario, strike)
        try:
            if strike.manner is Manner.CANCELLED:
                assert play.outcome is asyncio.CancelledError, "the call outlived its caller"
            else:
                assert play.outcome in (wanted, unstruck.outcome) or _is_try_again(play.outcome)
            await aftermath(play.world, play.request, wanted)
        except AssertionError as error:
            error.add_note(f"{strike} at {play.struck_at}: the client got {play.outcome!r}")
            raise


def _is_try_again(outcome: object) -> bool:
    return isinstance(outcome, type) and issubclass(outcome, TRY_AGAIN)
