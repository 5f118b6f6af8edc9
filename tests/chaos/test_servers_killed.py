"""The database and S3 are killed under load, again and again, and start on what they had."""

from __future__ import annotations

import time
from random import Random

import pytest

from tests.servers.mongodb_kinds import MongoServer
from tests.servers.s3_kinds import S3Server

from .environment import Environment
from .rounds import survive

pytestmark = pytest.mark.chaos


def killed_for_a_while(server: MongoServer | S3Server, random: Random) -> None:
    server.kill()
    time.sleep(random.uniform(0, 1))
    server.start()


def test_a_mongodb_that_is_killed_costs_nothing_that_was_answered_and_no_restart(
    mongo_arena: Environment, own_mongo_server: MongoServer
) -> None:
    with mongo_arena.serving(sweep_interval=0):
        survive(mongo_arena, lambda _, random: killed_for_a_while(own_mongo_server, random))
        assert mongo_arena.service.process.poll() is None


def test_an_s3_that_is_killed_costs_nothing_that_was_answered_and_no_restart(
    killable_s3_arena: Environment, versitygw: S3Server
) -> None:
    with killable_s3_arena.serving(sweep_interval=0):
        survive(killable_s3_arena, lambda _, random: killed_for_a_while(versitygw, random))
        assert killable_s3_arena.service.process.poll() is None
