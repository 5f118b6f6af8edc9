"""Every port call in the application has a scenario with a fault injected there."""

from __future__ import annotations

import pytest

from .crashes.failpoints import enumerate_faults, run_in_virtual_time, run_scenario
from .crashes.port_calls import scan_application, scan_source
from .crashes.process import CallSite, Extent, FaultKind, Timing
from .crashes.scenarios import SCENARIOS

HEAD = "class UseCase:\n    sessions: SessionRepository\n    store: ObjectStore\n"


async def find_injected_sites(kind: FaultKind, timing: Timing) -> set[CallSite]:
    return {
        (await run_scenario(scenario, fault)).injected_at
        for scenario in SCENARIOS.values()
        for fault in await enumerate_faults(scenario, [timing], [kind], [Extent.SINGLE_CALL])
    }


@pytest.mark.parametrize("timing", Timing)
@pytest.mark.parametrize("kind", FaultKind)
def test_faults_are_injected_at_every_port_call(kind: FaultKind, timing: Timing) -> None:
    injected = run_in_virtual_time(find_injected_sites(kind, timing))
    # Equal in both directions: a fault at a call that the scan missed means the scan is incomplete.
    assert sorted(injected) == sorted(scan_application().calls)


def test_port_methods_are_only_referenced_to_call_them() -> None:
    # A method passed on as a value can be called anywhere, so no call site stands for it.
    assert not scan_application().method_references


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
        "await another_module.repository.check()",
        "answer = (await self.sessions.check()) or 1",
    ],
)
def test_port_calls_are_found_in_every_syntax(line: str) -> None:
    assert scan_source(
        f"{HEAD}    async def call(self, sessions: SessionRepository):\n        {line}"
    ).calls


@pytest.mark.parametrize(
    "line", ["now = self.clock.now()", "found = owners.get(key)", "await self.list_parts(address)"]
)
def test_calls_of_namesakes_are_not_port_calls(line: str) -> None:
    assert not scan_source(f"{HEAD}    async def call(self):\n        {line}").calls


def test_a_method_passed_on_as_a_value_is_found() -> None:
    uses = scan_source(
        f"{HEAD}    async def call(self):\n        await retry_while_leased(self.sessions.check)"
    )
    assert uses.method_references
