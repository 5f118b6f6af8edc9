"""Environments whose servers a test may kill."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.bucket import Bucket
from tests.e2e.disk import Disk
from tests.servers.mongodb import with_database
from tests.servers.mongodb_kinds import MongoServer, free_port
from tests.servers.s3_kinds import S3Server

from .environment import Environment
from .rows import mongo_rows, sqlite_rows
from .storage import BucketStorage, DiskStorage, Storage


@pytest.fixture
def bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture
def ceph_bucket(ceph_rgw: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(ceph_rgw) as bucket:
        yield bucket


@pytest.fixture
def killable_bucket(versitygw: S3Server) -> Iterator[Bucket]:
    """Provide a bucket on versitygw, which survives a kill; MiniStack forgets its uploads."""
    with Bucket.made_on(versitygw) as bucket:
        yield bucket
        versitygw.start()


def on_mongo(folder: Path, bucket: Bucket, server: MongoServer) -> Environment:
    uri = with_database(server.uri, "chaos")
    return Environment(folder, BucketStorage(bucket), {"MONGO_URI": uri}, partial(mongo_rows, uri))


def on_sqlite(folder: Path, storage: Storage) -> Environment:
    file = folder / "uploads.db"
    url = f"sqlite+aiosqlite:///{file}"
    return Environment(folder, storage, {"DATABASE_URL": url}, partial(sqlite_rows, file))


@pytest.fixture
def mongo_environment(tmp_path: Path, bucket: Bucket, own_mongo_server: MongoServer) -> Environment:
    return on_mongo(tmp_path, bucket, own_mongo_server)


@pytest.fixture
def ceph_environment(
    tmp_path: Path, ceph_bucket: Bucket, own_mongo_server: MongoServer
) -> Environment:
    return on_mongo(tmp_path, ceph_bucket, own_mongo_server)


@pytest.fixture
def sqlite_environment(tmp_path: Path, bucket: Bucket) -> Environment:
    return on_sqlite(tmp_path, BucketStorage(bucket))


@pytest.fixture
def disk_environment(tmp_path: Path) -> Environment:
    return on_sqlite(tmp_path, DiskStorage(Disk(tmp_path, free_port())))


@pytest.fixture
def killable_s3_environment(
    tmp_path: Path, killable_bucket: Bucket, own_mongo_server: MongoServer
) -> Environment:
    environment = on_mongo(tmp_path, killable_bucket, own_mongo_server)
    # Killed during a complete, versitygw 1.8 has neither the upload nor the object afterwards.
    environment.store_may_lose = True
    return environment
