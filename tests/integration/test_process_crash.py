"""A crash at any call of a real database or S3 is repaired by a retry or one sweep."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import uuid4

import pytest
from pymongo import MongoClient

from multipart_upload.adapters.s3 import S3Config
from tests.e2e.bucket import Bucket
from tests.servers.mongodb import with_database
from tests.servers.mongodb_kinds import MongoServer
from tests.servers.s3_kinds import S3Server
from tests.unit.crashes.failpoints import enumerate_faults, find_expected_answer
from tests.unit.crashes.process import Extent, Fault, FaultKind
from tests.unit.crashes.recovery import RECOVERY_PATHS, RecoveryPath
from tests.unit.crashes.requests import Scenario
from tests.unit.crashes.scenarios import SCENARIOS
from tests.unit.crashes.world import World
from tests.unit.service import IMPATIENT

from .crashing_process import KILLED, ForkServer, ProcessPlan
from .real_service import HttpBucket, Location, ShiftedClock, open_bucket, open_service

SCENARIO_NAMES: Final = (
    "start",
    "start again after a start whose answer was lost",
    "sign a part of a lost upload",
    "report the first part",
    "complete",
    "complete without any report",
    "complete with a part missing",
    "complete an upload lost by the store",
    "complete after a complete whose answer was lost",
    "abort",
    "abort after an abort that never reached the store",
    "read the status of an upload lost by the store",
    "sweep a start whose answer was lost",
    "sweep a complete that never reached the store",
    "sweep a complete whose answer was lost",
    "sweep an abort whose answer was lost",
    "sweep expired uploads",
    "sweep a second store upload",
    "sweep sessions past their retention",
)
FEW: Final = 2
"""Crashes per scenario in an ordinary run; unit tests try all, on the adapters in memory."""
MANY: Final = 2 * int(os.environ.get("CHAOS_ROUNDS", "30"))
FORK_SERVERS: Final = 3

CrashCase: TypeAlias = tuple[Fault, RecoveryPath]

pytestmark = pytest.mark.integration


@dataclass(slots=True)
class ServerWorld(World):
    """A world on real servers, whose objects are read directly from the bucket."""

    bucket: Bucket | None = None

    async def objects(self) -> Mapping[str, bytes]:
        assert self.bucket is not None
        prefix, name = self.service.policy.key_prefix, self.bucket.name
        found = self.bucket.client.list_objects_v2(Bucket=name, Prefix=prefix)
        keys = [one["Key"] for one in found.get("Contents", [])]
        return {key: self.bucket.download(key).body for key in keys}


@pytest.fixture(scope="module")
def bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    """Provide one bucket for all worlds; each uses its own prefix."""
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def fork_servers() -> Iterator[Sequence[ForkServer]]:
    """Provide a fork server for each concurrent crash."""
    with ExitStack() as started:
        yield [started.enter_context(ForkServer.running()) for _ in range(FORK_SERVERS)]


@pytest.fixture
def sqlite(tmp_path: Path) -> Callable[[], str]:
    return lambda: f"sqlite+aiosqlite:///{tmp_path}/{uuid4().hex}.db"


@pytest.fixture
def mongodb(mongo_server: MongoServer) -> Iterator[Callable[[], str]]:
    made: list[str] = []

    def new_database() -> str:
        made.append(f"test_{uuid4().hex}")
        return with_database(mongo_server.uri, made[-1])

    yield new_database
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_server.uri)
    with client:
        for name in made:
            client.drop_database(name)


@pytest.fixture(params=["sqlite", "mongodb"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Provide a function that returns the URL of a new database."""
    named: Callable[[], str] = request.getfixturevalue(request.param)
    return named


@dataclass(frozen=True, slots=True)
class Environment:
    """Runs the crash cases of a scenario, each in its own world."""

    scenario: Scenario
    expected: object
    bucket: Bucket
    parts: HttpBucket
    idle: asyncio.Queue[ForkServer]

    async def run_all(self, cases: Iterable[CrashCase], new_database: Callable[[], str]) -> None:
        async with asyncio.TaskGroup() as group:
            for fault, recovery in cases:
                group.create_task(self._run_case(new_database(), fault, recovery))

    async def _run_case(self, database: str, fault: Fault, recovery: RecoveryPath) -> None:
        fork_server = await self.idle.get()
        try:
            await self._run_on(fork_server, database, fault, recovery)
        except Exception as error:
            error.add_note(f"{fault.timing} call {fault.call_number}, then {recovery.__name__}")
            raise
        finally:
            self.idle.put_nowait(fork_server)

    async def _run_on(
        self, fork_server: ForkServer, database: str, fault: Fault, recovery: RecoveryPath
    ) -> None:
        policy = replace(IMPATIENT, key_prefix=f"{uuid4().hex}/")
        location = Location(database=database, s3=s3_config(self.bucket), policy=policy)
        clock = ShiftedClock()
        async with open_service(location, self.parts, clock) as service:
            world = ServerWorld(service, bucket=self.bucket)
            request = await self.scenario(world)
            await world.add_bystanders()
            plan = ProcessPlan(request.call, location, clock.shift, fault)
            assert await asyncio.to_thread(fork_server.exit_code_of, plan) == KILLED
            await recovery(world, request, self.expected)


def s3_config(bucket: Bucket) -> S3Config:
    return S3Config(
        bucket=bucket.name,
        region="us-east-1",
        access_key_id=bucket.server.access_key,
        secret_access_key=bucket.server.secret_key,
        endpoint_url=bucket.server.endpoint_url,
    )


async def crash_cases(scenario: Scenario, most: int) -> list[CrashCase]:
    """Return at most this many crash cases: before or after each call, with a recovery path."""
    faults = await enumerate_faults(scenario, kinds=[FaultKind.ERROR], extents=[Extent.CRASH])
    cases = list(zip(faults, cycle(RECOVERY_PATHS.values()), strict=False))
    if most >= len(cases):
        return cases
    # Spread them evenly over the calls.
    return [cases[(2 * span + 1) * len(cases) // (2 * most)] for span in range(most)]


@pytest.mark.parametrize("scenario_name", SCENARIO_NAMES)
@pytest.mark.parametrize(
    "most", [FEW, pytest.param(MANY, marks=pytest.mark.chaos)], ids=["few calls", "many calls"]
)
async def test_crash_at_any_call_is_repaired_by_retry_or_sweep(
    scenario_name: str,
    most: int,
    new_database: Callable[[], str],
    bucket: Bucket,
    fork_servers: Sequence[ForkServer],
) -> None:
    scenario, idle = SCENARIOS[scenario_name], asyncio.Queue[ForkServer]()
    for fork_server in fork_servers:
        idle.put_nowait(fork_server)
    expected, cases = await find_expected_answer(scenario), await crash_cases(scenario, most)
    async with open_bucket(s3_config(bucket)) as parts:
        await Environment(scenario, expected, bucket, parts, idle).run_all(cases, new_database)
