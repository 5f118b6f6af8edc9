"""The service is killed under load repeatedly."""

from __future__ import annotations

import pytest

from .environment import Environment
from .rounds import kill_service, survive

pytestmark = pytest.mark.chaos


def test_killed_service_on_mongodb_loses_and_orphans_nothing(
    mongo_environment: Environment,
) -> None:
    # The service also sweeps every second, so that some kills hit a sweep.
    with mongo_environment.serving(sweep_interval=1):
        survive(mongo_environment, kill_service)


def test_killed_service_on_sqlite_loses_nothing_and_keeps_its_file_intact(
    sqlite_environment: Environment,
) -> None:
    with sqlite_environment.serving(sweep_interval=0):
        survive(sqlite_environment, kill_service)


def test_killed_service_on_a_folder_loses_and_orphans_nothing(
    disk_environment: Environment,
) -> None:
    with disk_environment.serving(sweep_interval=1):
        survive(disk_environment, kill_service)


def test_killed_service_on_ceph_loses_and_orphans_nothing(
    ceph_environment: Environment,
) -> None:
    with ceph_environment.serving(sweep_interval=1):
        survive(ceph_environment, kill_service)
