"""Connections to MongoDB and S3 that are cut, stall or return errors under load lose nothing."""

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
from .load import CLIENTS, Load, load_without_losses
from .proxied import settings_through
from .service import Service, running_service

pytestmark = pytest.mark.e2e

FAULTS: Final = 4
"""Consecutive faults per command or operation."""
WRITES: Final = ("insert", "update")
COMMANDS: Final = (*WRITES, "find")
QUICK_OPERATIONS: Final = ("CreateMultipartUpload", "ListParts")
OPERATIONS: Final = (*QUICK_OPERATIONS, "CompleteMultipartUpload")
# Longer than the deadlines for MongoDB, and for S3 except for complete.
TOO_LATE_SECONDS: Final = 6.0

Inject = Callable[[MongoProxy, str, int], None]
MONGODB_FAULTS: Final[dict[str, tuple[Inject, tuple[str, ...]]]] = {
    "cut-before-execution": (MongoProxy.lose, (*COMMANDS, "hello")),
    "cut-after-execution": (MongoProxy.lose_answer_to, (*COMMANDS, "hello")),
    "not-writable-primary": (MongoProxy.refuse, COMMANDS),
    "not-writable-primary-retryable": (partial(MongoProxy.refuse, labelled=True), WRITES),
}
S3_FAULTS: Final[dict[str, tuple[Fault, tuple[str, ...]]]] = {
    "cut-before-execution": (cut_before, OPERATIONS),
    "cut-after-execution": (cut_after, OPERATIONS),
    "answered-too-late": (late(TOO_LATE_SECONDS), QUICK_OPERATIONS),
}


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """Provide the thread that runs the MongoDB proxy."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def own_bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def mongodb_proxy(
    request: pytest.FixtureRequest, portal: BlockingPortal, mongo_settings: dict[str, str]
) -> Iterator[MongoProxy]:
    opening = MongoProxy.open(
        mongo_settings["MONGO_URI"], has_replica_set=getattr(request, "param", True)
    )
    with portal.wrap_async_context_manager(opening) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def store_proxy(own_bucket: Bucket) -> Iterator[S3Proxy]:
    with s3_proxy(own_bucket.server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def settings(own_bucket: Bucket, store_proxy: S3Proxy, mongodb_proxy: MongoProxy) -> dict[str, str]:
    return {
        **settings_through(store_proxy, own_bucket),
        # Let the driver poll: the proxy does not push the news of a step-down as a server does.
        "MONGO_URI": f"{mongodb_proxy.uri}&serverMonitoringMode=poll",
        "LEASE_SECONDS": "3",
        "SWEEP_INTERVAL_SECONDS": "0",
    }


@pytest.fixture(scope="module")
def service(
    settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Provide one service for all faults; it is never restarted."""
    with running_service(tmp_path_factory.mktemp("service"), settings) as service:
        yield service


@pytest.fixture
def load(
    service: Service, own_bucket: Bucket, settings: dict[str, str]
) -> AbstractContextManager[Load]:
    return load_without_losses(service, own_bucket, settings)


@pytest.mark.parametrize(
    ("mongodb_proxy", "name"),
    [
        *((True, name) for name in MONGODB_FAULTS),
        # As on FerretDB, where the driver does not retry writes.
        (False, "cut-after-execution"),
    ],
    indirect=["mongodb_proxy"],
)
def test_failed_mongodb_commands_lose_nothing_acknowledged(
    mongodb_proxy: MongoProxy, load: AbstractContextManager[Load], name: str
) -> None:
    inject, commands = MONGODB_FAULTS[name]
    with load:
        for command in commands:
            inject(mongodb_proxy, command, FAULTS)
            wait_until(
                lambda: mongodb_proxy.faults_injected == FAULTS, f"{FAULTS} faults: {command}"
            )


def test_stalled_mongodb_connection_loses_nothing_acknowledged(
    mongodb_proxy: MongoProxy, portal: BlockingPortal, load: AbstractContextManager[Load]
) -> None:
    with load as uploads:
        portal.call(mongodb_proxy.silence)
        wait_until(lambda: uploads.refusals["repository-unavailable"] >= CLIENTS, "503s")
        portal.call(mongodb_proxy.resume)


@pytest.mark.parametrize("name", S3_FAULTS)
def test_failed_s3_requests_lose_nothing_acknowledged(
    store_proxy: S3Proxy, load: AbstractContextManager[Load], name: str
) -> None:
    fault, operations = S3_FAULTS[name]
    planned = {operation: FaultSequence(*[fault] * FAULTS) for operation in operations}
    with load:
        store_proxy.faults.update(planned)
        wait_until(lambda: all(sequence.is_over for sequence in planned.values()), "all faults")
