"""The contract of the object store, on every adapter and every available S3 server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from multipart_upload.adapters.azure import open_azure_store
from multipart_upload.adapters.clock import SystemClock
from multipart_upload.adapters.disk import DiskConfig, DiskObjectStore, open_disk_store
from multipart_upload.adapters.disk.http import DiskServer
from multipart_upload.adapters.s3 import open_s3_store
from multipart_upload.application.ports import ObjectStore
from multipart_upload.testing.contract.object_store import (
    MultipartStoreContract,
    ObjectStoreContract,
)
from multipart_upload.testing.contract.sample_uploads import Post, Put
from multipart_upload.testing.memory import MemoryObjectStore
from tests.servers.azurite import Azurite
from tests.servers.s3 import fresh_bucket
from tests.servers.s3_kinds import S3Server


class TestMemoryObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> MemoryObjectStore:
        return MemoryObjectStore(SystemClock())

    @pytest.fixture
    def put(self, store: MemoryObjectStore) -> Put:
        return store.put

    @pytest.fixture
    def post(self, store: MemoryObjectStore) -> Post:
        return store.post


class TestDiskObjectStore(ObjectStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[DiskObjectStore]:
        config = DiskConfig(path=tmp_path / "store", secret="s" * 32, public_url="http://disk")
        async with open_disk_store(config) as store:
            yield store

    @pytest.fixture
    async def http(self, store: DiskObjectStore) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(DiskServer(store))) as http:
            yield http

    @pytest.fixture
    def put(self, put: Put) -> Put:
        return put

    @pytest.fixture
    def post(self, post: Post) -> Post:
        return post


class S3StoreContract(ObjectStoreContract):
    @pytest.fixture
    def server(self) -> S3Server:
        raise NotImplementedError

    @pytest.fixture
    async def store(self, server: S3Server) -> AsyncIterator[ObjectStore]:
        async with open_s3_store(fresh_bucket(server)) as store:
            yield store

    @pytest.fixture
    def put(self, put: Put) -> Put:
        return put

    @pytest.fixture
    def post(self, post: Post) -> Post:
        return post


class TestOnMoto(S3StoreContract):
    @pytest.fixture
    def server(self, moto: S3Server) -> S3Server:
        return moto


@pytest.mark.integration
class TestOnVersitygw(S3StoreContract):
    @pytest.fixture
    def server(self, versitygw: S3Server) -> S3Server:
        return versitygw


@pytest.mark.integration
class TestOnAzurite(MultipartStoreContract):
    @pytest.fixture
    async def store(self, azurite: Azurite) -> AsyncIterator[ObjectStore]:
        async with open_azure_store(azurite.make_container()) as store:
            yield store

    @pytest.fixture
    def put(self, put: Put) -> Put:
        return put
