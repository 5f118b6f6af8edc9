"""A service on SQLite and S3, with a proxy in front of each that can inject faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bucket import Bucket
from tests.e2e.service import Service, running_service
from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import S3Proxy, s3_proxy

from .environment import Environment, some_file


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach the servers directly: unlike other tests' clients, this one obeys the environment."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def bucket(strict_s3: S3Server) -> Iterator[Bucket]:
    with Bucket.made_on(strict_s3) as bucket:
        yield bucket


@pytest.fixture(scope="module")
def store_proxy(bucket: Bucket) -> Iterator[S3Proxy]:
    """Provide the proxy through which clients send their parts."""
    with s3_proxy(bucket.server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def service(
    bucket: Bucket, store_proxy: S3Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    settings = {**bucket.settings, "S3_PUBLIC_ENDPOINT_URL": store_proxy.url}
    with running_service(tmp_path_factory.mktemp("service"), settings) as service:
        yield service


@pytest.fixture(scope="module")
def api_proxy(service: Service) -> Iterator[S3Proxy]:
    """Provide the proxy through which clients reach the service."""
    with s3_proxy(service.url) as proxy:
        yield proxy


@pytest.fixture
def environment(
    bucket: Bucket, service: Service, store_proxy: S3Proxy, api_proxy: S3Proxy, tmp_path: Path
) -> Environment:
    """Provide the servers without faults from an earlier test."""
    for proxy in (store_proxy, api_proxy):
        proxy.faults.clear()
        proxy.altered.clear()
        proxy.asked.clear()
        proxy.done.clear()
        proxy.max_concurrent.clear()
    return Environment(bucket, service, store_proxy, api_proxy, tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Provide a file of three parts."""
    return some_file(tmp_path / "film.bin")
