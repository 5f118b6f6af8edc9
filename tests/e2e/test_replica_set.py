"""The primary of a replica set is killed or isolated under load: nothing acknowledged is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.patience import wait_until
from tests.servers.replica_set import ReplicaSet, find_replica_set

from .bucket import Bucket
from .load import CLIENTS, Load, load_without_losses
from .service import Service, running_service

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    found = find_replica_set(tmp_path_factory.mktemp("replica-set"))
    if found is None:
        # Skip even where servers are required: the substitute from PyPI has no replica sets.
        pytest.skip("no replica set: neither a mongod on PATH nor a Docker daemon")
    try:
        found.start()
        yield found
    finally:
        found.discard()


@pytest.fixture
def settings(replica_set: ReplicaSet, bucket: Bucket) -> dict[str, str]:
    uri = replica_set.uri(f"e2e_{uuid4().hex}")
    return {
        **bucket.settings,
        "MONGO_URI": uri,
        "LEASE_SECONDS": "3",
        "SWEEP_INTERVAL_SECONDS": "0",
    }


@pytest.fixture
def service(settings: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path, settings) as service:
        yield service


def wait_until_uploads_continue(load: Load) -> None:
    enough = len(load.finished) + 2 * CLIENTS
    wait_until(lambda: len(load.finished) >= enough, "uploads continue")


def test_killed_primary_loses_nothing_acknowledged(
    replica_set: ReplicaSet, service: Service, bucket: Bucket, settings: dict[str, str]
) -> None:
    with load_without_losses(service, bucket, settings) as load:
        killed = replica_set.primary()
        replica_set.kill(killed)
        replica_set.primary(other_than=killed)
        wait_until_uploads_continue(load)
        replica_set.start_member(killed)
        replica_set.wait_until_whole()


def test_isolated_primary_loses_nothing_acknowledged(
    replica_set: ReplicaSet, service: Service, bucket: Bucket, settings: dict[str, str]
) -> None:
    with load_without_losses(service, bucket, settings) as load:
        cut_off = replica_set.primary()
        replica_set.cut_off(cut_off)
        replica_set.primary(other_than=cut_off)
        wait_until_uploads_continue(load)
        # The isolated member still takes itself for the primary and gets the last requests.
        replica_set.reconnect(cut_off)
        replica_set.wait_until_whole()
