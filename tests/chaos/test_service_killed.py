"""The service is killed under load, again and again."""

from __future__ import annotations

import pytest

from .environment import Environment
from .rounds import kill_service, survive

pytestmark = pytest.mark.chaos


def test_a_service_on_mongodb_that_is_killed_loses_nothing_and_orphans_nothing(
    mongo_arena: Environment,
) -> None:
    # Here it sweeps, too, in the midst of the load, and dies amid that.
    with mongo_arena.serving(sweep_interval=1):
        survive(mongo_arena, kill_service)


def test_a_service_on_sqlite_that_is_killed_loses_nothing_and_its_file_is_whole(
    sqlite_arena: Environment,
) -> None:
    with sqlite_arena.serving(sweep_interval=0):
        survive(sqlite_arena, kill_service)


def test_a_service_on_ceph_that_is_killed_loses_nothing_and_orphans_nothing(
    ceph_arena: Environment,
) -> None:
    with ceph_arena.serving(sweep_interval=1):
        survive(ceph_arena, kill_service)
