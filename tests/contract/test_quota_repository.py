"""Every repository of quotas keeps the port's promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from multipart_upload.adapters.mongo import open_mongo_quotas
from multipart_upload.adapters.sql import open_sql_quotas
from multipart_upload.application.ports import QuotaRepository
from multipart_upload.testing.contract.quota_repository import QuotaRepositoryContract
from multipart_upload.testing.memory import MemoryQuotaRepository


class TestMemoryQuotas(QuotaRepositoryContract):
    @pytest.fixture
    def quotas(self) -> QuotaRepository:
        return MemoryQuotaRepository()


class TestSqliteQuotas(QuotaRepositoryContract):
    @pytest.fixture
    async def quotas(self, tmp_path: Path) -> AsyncIterator[QuotaRepository]:
        async with open_sql_quotas(f"sqlite+aiosqlite:///{tmp_path}/quotas.db") as quotas:
            yield quotas


@pytest.mark.integration
class TestPostgresqlQuotas(QuotaRepositoryContract):
    @pytest.fixture
    async def quotas(self, postgresql_url: str) -> AsyncIterator[QuotaRepository]:
        async with open_sql_quotas(postgresql_url) as quotas:
            yield quotas


@pytest.mark.integration
class TestMongoQuotas(QuotaRepositoryContract):
    @pytest.fixture
    async def quotas(self, mongo_uri: str) -> AsyncIterator[QuotaRepository]:
        async with open_mongo_quotas(mongo_uri) as quotas:
            yield quotas
