"""The store keeps the promises of its port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from sqlite_store import SqliteStore, StoreServer, open_store

from multipart_upload.application.ports import SignedPart, SignedPost
from multipart_upload.testing.contract.object_store import ObjectStoreContract
from multipart_upload.testing.contract.sample_uploads import Post, Put


class TestSqliteStore(ObjectStoreContract):
    """The suite of the service, with the fixtures that it asks for."""

    @pytest_asyncio.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        """Open an empty store."""
        file = tmp_path / "objects.db"
        async with open_store(file, "not a secret", "http://127.0.0.1:8000") as store:
            yield store

    @pytest_asyncio.fixture
    async def http(self, store: SqliteStore) -> AsyncIterator[httpx.AsyncClient]:
        """Provide a client of the server, without a network."""
        transport = httpx.ASGITransport(StoreServer(store))
        async with httpx.AsyncClient(transport=transport) as client:
            yield client

    @pytest.fixture
    def put(self, http: httpx.AsyncClient) -> Put:
        """Send a part."""

        async def put(signed: SignedPart, body: bytes) -> str:
            sent = await http.put(signed.url, content=body, headers=signed.headers)
            return sent.raise_for_status().headers["etag"]

        return put

    @pytest.fixture
    def post(self, http: httpx.AsyncClient) -> Post:
        """Send a form."""

        async def post(signed: SignedPost, body: bytes) -> bool:
            sent = await http.post(signed.url, data=signed.fields, files={"file": ("a.bin", body)})
            return sent.is_success

        return post
