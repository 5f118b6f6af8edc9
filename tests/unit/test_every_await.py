"""Every call of a port in the application has a scenario in which the process dies there."""

from __future__ import annotations

import pytest

from .crashes.failpoints import played, run, strikes_of
from .crashes.port_calls import port_uses, port_uses_of_the_application
from .crashes.process import Extent, Manner, Moment, Site
from .crashes.scenarios import SCENARIOS

HEAD = "class UseCase:\n    sessions: SessionRepository\n    store: ObjectStore\n"


async def struck_sites(manner: Manner, moment: Moment) -> set[Site]:
    return {
        (await played(scenario, strike)).struck_at
        for scenario in SCENARIOS.values()
        for strike in await strikes_of(scenario, [moment], [manner], [Extent.OUTAGE])
    }


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("manner", Manner)
def test_a_process_dies_at_every_call_of_a_port(manner: Manner, moment: Moment) -> None:
    struck = run(struck_sites(manner, moment))
    # The other way round, too: a call that was struck and not found would tell of a blind spot.
    assert sorted(struck) == sorted(port_uses_of_the_application().calls)


def test_the_methods_of_a_port_are_called_where_they_are_named() -> None:
    # Handed on, they could be called from anywhere: no place in the source would stand for that.
    assert not port_uses_of_the_application().handed_on


@pytest.mark.parametrize(
    "line",
    [
        "await self.sessions.check()",
        "async for page in self.sessions.find(query): pass",
        "async with self.store.check(): pass",
        "return [await self.sessions.get(upload_id) for upload_id in upload_ids]",
        "return [part async for part in self.store.list_parts(key, upload_id)]",
        "await gather(*(self.sessions.get(upload_id) for upload_id in upload_ids))",
        "task = create_task(self.store.check())",
        "await use_case.sessions.check()",
        "await sessions.check()",
        "repository = self.sessions; await repository.check()",
        "repository, bucket = self.sessions, 1; gather(repository.check())",
        "gather((repository := self.sessions).check(), repository.check())",
        "await somebody.elses.check()",
        "answer = (await self.sessions.check()) or 1",
    ],
)
def test_a_call_of_a_port_is_found_in_every_form(line: str) -> None:
    assert port_uses(
        f"{HEAD}    async def call(self, sessions: SessionRepository):\n        {line}"
    ).calls


@pytest.mark.parametrize(
    "line", ["now = self.clock.now()", "found = owners.get(key)", "await self.list_parts(address)"]
)
def test_other_calls_of_the_same_names_are_none_of_a_port(line: str) -> None:
    assert not port_uses(f"{HEAD}    async def call(self):\n        {line}").calls


def test_a_method_that_is_handed_on_is_found() -> None:
    uses = port_uses(
        f"{HEAD}    async def call(self):\n        await retry_while_leased(self.sessions.check)"
    )
    assert uses.handed_on
