"""Every repository of the key of receipts keeps the port's promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from multipart_upload.adapters.mongo import open_mongo_receipt_keys
from multipart_upload.adapters.sql import open_sql_receipt_keys
from multipart_upload.application.ports import ReceiptKeyRepository
from multipart_upload.testing.contract.receipt_key_repository import ReceiptKeyRepositoryContract
from multipart_upload.testing.memory import MemoryReceiptKeyRepository


class TestMemoryReceiptKeys(ReceiptKeyRepositoryContract):
    @pytest.fixture
    def keys(self) -> ReceiptKeyRepository:
        return MemoryReceiptKeyRepository()


class TestSqliteReceiptKeys(ReceiptKeyRepositoryContract):
    @pytest.fixture
    async def keys(self, tmp_path: Path) -> AsyncIterator[ReceiptKeyRepository]:
        async with open_sql_receipt_keys(f"sqlite+aiosqlite:///{tmp_path}/keys.db") as keys:
            yield keys


@pytest.mark.integration
class TestPostgresqlReceiptKeys(ReceiptKeyRepositoryContract):
    @pytest.fixture
    async def keys(self, postgresql_url: str) -> AsyncIterator[ReceiptKeyRepository]:
        async with open_sql_receipt_keys(postgresql_url) as keys:
            yield keys


@pytest.mark.integration
class TestMongoReceiptKeys(ReceiptKeyRepositoryContract):
    @pytest.fixture
    async def keys(self, mongo_uri: str) -> AsyncIterator[ReceiptKeyRepository]:
        async with open_mongo_receipt_keys(mongo_uri) as keys:
            yield keys
