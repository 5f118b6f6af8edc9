"""Every repository of API keys keeps the port's promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from multipart_upload.adapters.mongo import open_mongo_api_keys
from multipart_upload.adapters.sql import open_sql_api_keys
from multipart_upload.application.ports import ApiKeyRepository
from multipart_upload.testing.contract.api_key_repository import ApiKeyRepositoryContract
from multipart_upload.testing.memory import MemoryApiKeyRepository


class TestMemoryApiKeys(ApiKeyRepositoryContract):
    @pytest.fixture
    def keys(self) -> ApiKeyRepository:
        return MemoryApiKeyRepository()


class TestSqliteApiKeys(ApiKeyRepositoryContract):
    @pytest.fixture
    async def keys(self, tmp_path: Path) -> AsyncIterator[ApiKeyRepository]:
        async with open_sql_api_keys(f"sqlite+aiosqlite:///{tmp_path}/keys.db") as keys:
            yield keys


@pytest.mark.integration
class TestPostgresqlApiKeys(ApiKeyRepositoryContract):
    @pytest.fixture
    async def keys(self, postgresql_url: str) -> AsyncIterator[ApiKeyRepository]:
        async with open_sql_api_keys(postgresql_url) as keys:
            yield keys


@pytest.mark.integration
class TestMongoApiKeys(ApiKeyRepositoryContract):
    @pytest.fixture
    async def keys(self, mongo_uri: str) -> AsyncIterator[ApiKeyRepository]:
        async with open_mongo_api_keys(mongo_uri) as keys:
            yield keys
