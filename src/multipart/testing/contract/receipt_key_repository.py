"""The promises of the port for the key of receipts.

class TestMyReceiptKeys(ReceiptKeyRepositoryContract):
    @pytest_asyncio.fixture
    async def keys(self) -> AsyncIterator[ReceiptKeyRepository]:
        async with open_my_receipt_keys(...) as keys:
            yield keys
"""

from __future__ import annotations

import asyncio

import pytest

from ...application.ports import ReceiptKeyRepository
from ...domain.receipt import ReceiptKey


@pytest.mark.asyncio
class ReceiptKeyRepositoryContract:
    """A subclass provides the fixture `keys`, open and empty."""

    @pytest.fixture
    def keys(self) -> ReceiptKeyRepository:
        """Provide the repository under test."""
        raise NotImplementedError

    async def test_stored_key_is_found(self, keys: ReceiptKeyRepository) -> None:
        assert await keys.find_key() is None
        key = ReceiptKey("-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n")
        assert await keys.add_key(key) == key
        assert await keys.find_key() == key

    async def test_first_key_stays(self, keys: ReceiptKeyRepository) -> None:
        await keys.add_key(ReceiptKey("first"))
        assert await keys.add_key(ReceiptKey("second")) == ReceiptKey("first")
        assert await keys.find_key() == ReceiptKey("first")

    async def test_racing_callers_get_the_same_key(self, keys: ReceiptKeyRepository) -> None:
        found = await asyncio.gather(*(keys.add_key(ReceiptKey(f"key {n}")) for n in range(8)))
        assert {*found} == {await keys.find_key()}
