"""A process that ends at any of its calls of a real database or S3 leaves what one sweep mends."""

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

from .crashing_process import KILLED, Life, Mother
from .real_service import HttpBucket, Place, ShiftedClock, opened_bucket, opened_service

STORIES: Final = (
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
"""Deaths of each story in an ordinary run: the unit tests try all, on the adapters in memory."""
MANY: Final = 2 * int(os.environ.get("CHAOS_ROUNDS", "30"))
MOTHERS: Final = 3

Death: TypeAlias = tuple[Fault, RecoveryPath]

pytestmark = pytest.mark.integration


@dataclass(slots=True)
class RealWorld(World):
    """Rows in a database, and a bucket that is looked at behind the service's back."""

    bucket: Bucket | None = None

    async def objects(self) -> Mapping[str, bytes]:
        assert self.bucket is not None
        prefix, name = self.service.policy.key_prefix, self.bucket.name
        found = self.bucket.client.list_objects_v2(Bucket=name, Prefix=prefix)
        keys = [one["Key"] for one in found.get("Contents", [])]
        return {key: self.bucket.download(key).body for key in keys}


@pytest.fixture(scope="module")
def bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    """Provide one bucket for all worlds, each of which has its own prefix in it."""
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def mothers() -> Iterator[Sequence[Mother]]:
    """Provide as many as there are processes that die at the same time."""
    with ExitStack() as started:
        yield [started.enter_context(Mother.started()) for _ in range(MOTHERS)]


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
    """Provide what names a database that nobody has used."""
    named: Callable[[], str] = request.getfixturevalue(request.param)
    return named


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario is run repeatedly, each time in a world of its own."""

    scenario: Scenario
    expected: object
    bucket: Bucket
    parts: HttpBucket
    idle: asyncio.Queue[Mother]

    async def play_all(self, deaths: Iterable[Death], new_database: Callable[[], str]) -> None:
        async with asyncio.TaskGroup() as plays:
            for fault, recovery in deaths:
                plays.create_task(self._play(new_database(), fault, recovery))

    async def _play(self, database: str, fault: Fault, recovery: RecoveryPath) -> None:
        mother = await self.idle.get()
        try:
            await self._play_with(mother, database, fault, recovery)
        except Exception as error:
            error.add_note(f"{fault.timing} call {fault.call_number}, then {recovery.__name__}")
            raise
        finally:
            self.idle.put_nowait(mother)

    async def _play_with(
        self, mother: Mother, database: str, fault: Fault, recovery: RecoveryPath
    ) -> None:
        policy = replace(IMPATIENT, key_prefix=f"{uuid4().hex}/")
        place = Place(database=database, s3=s3_config(self.bucket), policy=policy)
        clock = ShiftedClock()
        async with opened_service(place, self.parts, clock) as service:
            world = RealWorld(service, bucket=self.bucket)
            request = await self.scenario(world)
            await world.add_bystanders()
            life = Life(request.call, place, clock.shift, fault)
            assert await asyncio.to_thread(mother.exit_code_of, life) == KILLED
            await recovery(world, request, self.expected)


def s3_config(bucket: Bucket) -> S3Config:
    return S3Config(
        bucket=bucket.name,
        region="us-east-1",
        access_key_id=bucket.server.access_key,
        secret_access_key=bucket.server.secret_key,
        endpoint_url=bucket.server.endpoint_url,
    )


async def deaths_of(scenario: Scenario, most: int) -> list[Death]:
    """Give a death before and after each call, or as many of them, and what happens then."""
    faults = await enumerate_faults(scenario, kinds=[FaultKind.ERROR], extents=[Extent.CRASH])
    deaths = list(zip(faults, cycle(RECOVERY_PATHS.values()), strict=False))
    if most >= len(deaths):
        return deaths
    # From the middle of each of as many spans of the call.
    return [deaths[(2 * span + 1) * len(deaths) // (2 * most)] for span in range(most)]


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize(
    "most", [FEW, pytest.param(MANY, marks=pytest.mark.chaos)], ids=["few calls", "many calls"]
)
async def test_crash_at_any_call_is_repaired_by_retry_or_sweep(
    story: str,
    most: int,
    new_database: Callable[[], str],
    bucket: Bucket,
    mothers: Sequence[Mother],
) -> None:
    scenario, idle = SCENARIOS[story], asyncio.Queue[Mother]()
    for mother in mothers:
        idle.put_nowait(mother)
    expected, deaths = await find_expected_answer(scenario), await deaths_of(scenario, most)
    async with opened_bucket(s3_config(bucket)) as parts:
        await Stage(scenario, expected, bucket, parts, idle).play_all(deaths, new_database)
