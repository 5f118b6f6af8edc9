"""Lines to MongoDB and S3 that are cut, silent or answer wrongly under load: nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.patience import wait_until
from tests.servers.mongodb_proxy import MongoProxy
from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import (
    Fault,
    FaultSequence,
    S3Proxy,
    cut_after,
    cut_before,
    late,
    s3_proxy,
)

from .bucket import Bucket
from .lines import through
from .load import CLIENTS, Load, load_that_loses_nothing
from .service import Service, running_service

pytestmark = pytest.mark.e2e

FAULTS: Final = 4
"""How many of each command or operation are hit, one after another."""
WRITES: Final = ("insert", "update")
COMMANDS: Final = (*WRITES, "find")
QUICK_OPERATIONS: Final = ("CreateMultipartUpload", "ListParts")
OPERATIONS: Final = (*QUICK_OPERATIONS, "CompleteMultipartUpload")
# Longer than the service waits for MongoDB, and for S3 but when it completes.
TOO_LATE_SECONDS: Final = 6.0

Befall = Callable[[MongoProxy, str, int], None]
MONGODB_FAULTS: Final[dict[str, tuple[Befall, tuple[str, ...]]]] = {
    "cut-before-it-has-heard": (MongoProxy.lose, (*COMMANDS, "hello")),
    "cut-after-it-has-committed": (MongoProxy.lose_answer_to, (*COMMANDS, "hello")),
    "not-writable-primary": (MongoProxy.refuse, COMMANDS),
    "not-writable-primary-retryable": (partial(MongoProxy.refuse, labelled=True), WRITES),
}
S3_FAULTS: Final[dict[str, tuple[Fault, tuple[str, ...]]]] = {
    "cut-before-it-has-heard": (cut_before, OPERATIONS),
    "cut-after-it-has-committed": (cut_after, OPERATIONS),
    "answered-too-late": (late(TOO_LATE_SECONDS), QUICK_OPERATIONS),
}


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """Provide the thread in which the MongoDB proxy lives."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def own_bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def mongodb_line(
    request: pytest.FixtureRequest, portal: BlockingPortal, mongo_settings: dict[str, str]
) -> Iterator[MongoProxy]:
    opening = MongoProxy.open(
        mongo_settings["MONGO_URI"], has_replica_set=getattr(request, "param", True)
    )
    with portal.wrap_async_context_manager(opening) as line:
        yield line


@pytest.fixture(scope="module")
def s3_line(own_bucket: Bucket) -> Iterator[S3Proxy]:
    with s3_proxy(own_bucket.server.endpoint_url) as line:
        yield line


@pytest.fixture(scope="module")
def settings(own_bucket: Bucket, s3_line: S3Proxy, mongodb_line: MongoProxy) -> dict[str, str]:
    return {
        **through(s3_line, own_bucket),
        # A server that steps down tells the driver's monitor; the proxy has it ask.
        "MONGO_URI": f"{mongodb_line.uri}&serverMonitoringMode=poll",
        "LEASE_SECONDS": "3",
        "SWEEP_INTERVAL_SECONDS": "0",
    }


@pytest.fixture(scope="module")
def service(
    settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Provide one service for all faults: it is never started anew."""
    with running_service(tmp_path_factory.mktemp("service"), settings) as service:
        yield service


@pytest.fixture
def load(
    service: Service, own_bucket: Bucket, settings: dict[str, str]
) -> AbstractContextManager[Load]:
    return load_that_loses_nothing(service, own_bucket, settings)


@pytest.mark.parametrize(
    ("mongodb_line", "name"),
    [
        *((True, name) for name in MONGODB_FAULTS),
        # As on FerretDB, where the driver repeats no write by itself.
        (False, "cut-after-it-has-committed"),
    ],
    indirect=["mongodb_line"],
)
def test_failed_mongodb_commands_lose_nothing_acknowledged(
    mongodb_line: MongoProxy, load: AbstractContextManager[Load], name: str
) -> None:
    befall, commands = MONGODB_FAULTS[name]
    with load:
        for command in commands:
            befall(mongodb_line, command, FAULTS)
            wait_until(
                lambda: mongodb_line.faults_injected == FAULTS, f"{FAULTS} faults: {command}"
            )


def test_stalled_mongodb_connection_loses_nothing_acknowledged(
    mongodb_line: MongoProxy, portal: BlockingPortal, load: AbstractContextManager[Load]
) -> None:
    with load as told:
        portal.call(mongodb_line.silence)
        wait_until(lambda: told.refusals["repository-unavailable"] >= CLIENTS, "503s")
        portal.call(mongodb_line.resume)


@pytest.mark.parametrize("name", S3_FAULTS)
def test_failed_s3_requests_lose_nothing_acknowledged(
    s3_line: S3Proxy, load: AbstractContextManager[Load], name: str
) -> None:
    fault, operations = S3_FAULTS[name]
    befalling = {operation: FaultSequence(*[fault] * FAULTS) for operation in operations}
    with load:
        s3_line.faults.update(befalling)
        wait_until(lambda: all(turns.is_over for turns in befalling.values()), "all faults")
