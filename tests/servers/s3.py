"""Fixtures that provide S3 servers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final, NoReturn
from uuid import uuid4

import httpx
import pytest
from botocore.loaders import create_loader

from multipart_upload.adapters.s3 import S3Config
from multipart_upload.application.ports import SignedPart, SignedPost
from multipart_upload.testing.contract.sample_uploads import Post, Put
from tests.patience import PATIENCE_SECONDS

from . import s3_kinds
from .s3_kinds import S3Server
from .used import note_used

STRICT: Final[tuple[Callable[[Path, Path], S3Server | None], ...]] = (
    s3_kinds.versitygw,
    s3_kinds.ministack,
)
"""The servers that check signatures, in order of preference."""


def fresh_bucket(server: S3Server) -> S3Config:
    """Create a bucket that no other test uses and return its configuration."""
    config = S3Config(
        bucket=f"test-{uuid4().hex}",
        region="us-east-1",
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
        endpoint_url=server.endpoint_url,
    )
    server.make_bucket(config.bucket)
    return config


@pytest.fixture(scope="session", autouse=True)
def _cached_botocore_loader() -> Iterator[None]:
    """Cache botocore's service model: loading it for each store takes half of the test time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", cache(create_loader))
        yield


@pytest.fixture(scope="session")
def versitygw(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    """Provide versitygw; tests that use it are skipped where only MiniStack is available."""
    yield from _started((s3_kinds.versitygw,), tmp_path_factory, request.config)


@pytest.fixture(scope="session")
def ceph_rgw(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    """Provide Ceph's S3 gateway, which is optional."""
    if not os.environ.get("CEPH_RGW"):
        pytest.skip("CEPH_RGW names no script that starts Ceph's S3 gateway")
    yield from _started((s3_kinds.ceph_rgw,), tmp_path_factory, request.config)


@pytest.fixture(scope="session")
def moto(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    """Provide moto's server, which checks no signatures."""
    yield from _started((s3_kinds.moto,), tmp_path_factory, request.config)


@pytest.fixture(scope="session")
def strict_s3(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    """Provide the preferred server that checks signatures."""
    yield from _started(STRICT, tmp_path_factory, request.config)


@pytest.fixture
def own_s3(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[S3Server]:
    """Provide a server like `strict_s3` that the test may stop and kill."""
    yield from _started(STRICT, tmp_path_factory, request.config)


@pytest.fixture
def strict_config(strict_s3: S3Server) -> S3Config:
    """Provide the configuration of a new bucket on `strict_s3`."""
    return fresh_bucket(strict_s3)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Provide a client that ignores the proxies of the environment."""
    # The servers speak plain HTTP, and loading certificates takes longer than most tests.
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS, verify=False) as client:  # noqa: S501
        yield client


@pytest.fixture
def put(http: httpx.AsyncClient) -> Put:
    """Provide a function that uploads a part and returns its ETag header, if there is one."""

    async def put_part(signed: SignedPart, body: bytes) -> str:
        answer = await http.put(signed.url, content=body, headers=dict(signed.headers))
        return str(answer.raise_for_status().headers.get("ETag", ""))

    return put_part


@pytest.fixture
def post(http: httpx.AsyncClient) -> Post:
    """Provide a function that posts a form and returns whether S3 accepted it."""

    async def post_form(signed: SignedPost, body: bytes) -> bool:
        file = {"file": ("blob", body)}
        answer = await http.post(signed.url, data=dict(signed.fields), files=file)
        return answer.status_code == HTTPStatus.CREATED

    return post_form


def _started(
    kinds: tuple[Callable[[Path, Path], S3Server | None], ...],
    folders: pytest.TempPathFactory,
    config: pytest.Config,
) -> Iterator[S3Server]:
    folder = folders.mktemp("s3")
    server = next(filter(None, (kind(folder, config.rootpath) for kind in kinds)), None)
    if server is None:
        _missing(kinds)
    try:
        server.start()
        note_used(config, f"S3 server: {server.name}")
        yield server
    finally:
        server.kill()


def _missing(kinds: tuple[Callable[[Path, Path], S3Server | None], ...]) -> NoReturn:
    reason = f"no S3 server on PATH: {' or '.join(kind.__name__ for kind in kinds)}"
    # One of the strict servers is enough: MiniStack is on PyPI, versitygw is not.
    if kinds == STRICT and os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
