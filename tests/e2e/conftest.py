"""Services on real servers, and their clients."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.servers.mongodb import with_database
from tests.servers.mongodb_kinds import MongoServer
from tests.servers.s3_kinds import S3Server

from .bucket import Bucket
from .service import Service, running_service


@pytest.fixture(scope="session")
def bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    """Provide the bucket of `service` and `sqlite_service`."""
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="session")
def mongo_settings(mongo_server: MongoServer) -> dict[str, str]:
    return {"MONGO_URI": with_database(mongo_server.uri, f"e2e_{uuid4().hex}")}


@pytest.fixture(scope="session")
def service(
    bucket: Bucket, mongo_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Provide the shared service on MongoDB."""
    folder = tmp_path_factory.mktemp("service")
    with running_service(folder, {**bucket.settings, **mongo_settings}) as service:
        yield service


@pytest.fixture(scope="session")
def sqlite_service(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Provide the shared service on SQLite."""
    with running_service(tmp_path_factory.mktemp("sqlite-service"), bucket.settings) as service:
        yield service


@pytest.fixture(params=["service", "sqlite_service"], ids=["mongodb", "sqlite"])
def each_api(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Provide a client of the service on each database."""
    service: Service = request.getfixturevalue(request.param)
    with service.client() as client:
        yield client


@pytest.fixture
def api(service: Service) -> Iterator[httpx.Client]:
    with service.client() as client:
        yield client
