"""The database and S3 are killed under load repeatedly, and restart on their own data."""

from __future__ import annotations

import time
from random import Random

import pytest

from tests.servers.mongodb_kinds import MongoServer
from tests.servers.s3_kinds import S3Server

from .environment import Environment
from .rounds import survive

pytestmark = pytest.mark.chaos


def kill_and_restart(server: MongoServer | S3Server, random: Random) -> None:
    server.kill()
    time.sleep(random.uniform(0, 1))
    server.start()


def test_killed_mongodb_loses_no_acknowledged_write_and_needs_no_service_restart(
    mongo_environment: Environment, own_mongo_server: MongoServer
) -> None:
    with mongo_environment.serving(sweep_interval=0):
        survive(mongo_environment, lambda _, random: kill_and_restart(own_mongo_server, random))
        assert mongo_environment.service.process.poll() is None


def test_killed_s3_loses_no_acknowledged_write_and_needs_no_service_restart(
    killable_s3_environment: Environment, versitygw: S3Server
) -> None:
    with killable_s3_environment.serving(sweep_interval=0):
        survive(killable_s3_environment, lambda _, random: kill_and_restart(versitygw, random))
        assert killable_s3_environment.service.process.poll() is None
