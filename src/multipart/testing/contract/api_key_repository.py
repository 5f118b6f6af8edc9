"""The promises of the API key port.

class TestMyApiKeys(ApiKeyRepositoryContract):
    @pytest_asyncio.fixture
    async def keys(self) -> AsyncIterator[ApiKeyRepository]:
        async with open_my_keys(...) as keys:
            yield keys
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ...application.ports import ApiKeyRepository
from ...domain.api_key import ApiKey, digest_secret
from ...domain.principal import Scope

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


def sample_key(secret: str = "mpu_1", **changes: object) -> ApiKey:  # noqa: S107  # of no service
    """Describe a key; times have whole milliseconds, which every database keeps."""
    key = ApiKey(
        digest=digest_secret(secret),
        name="ci",
        user_id="Zoë",
        scopes=frozenset({Scope.UPLOAD, Scope.ACT_FOR}),
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    return replace(key, **changes)  # type: ignore[arg-type]


@pytest.mark.asyncio
class ApiKeyRepositoryContract:
    """A subclass provides the fixture `keys`, open and empty."""

    @pytest.fixture
    def keys(self) -> ApiKeyRepository:
        """Provide the repository under test."""
        raise NotImplementedError

    async def test_stored_key_is_found_by_its_digest(self, keys: ApiKeyRepository) -> None:
        await keys.add_key(sample_key())
        assert await keys.find_key(digest_secret("mpu_1")) == sample_key()
        assert await keys.find_key(digest_secret("mpu_2")) is None

    async def test_key_may_have_neither_expiry_nor_name(self, keys: ApiKeyRepository) -> None:
        key = sample_key(expires_at=None, name="", scopes=frozenset())
        await keys.add_key(key)
        assert await keys.find_key(key.digest) == key

    async def test_keys_are_listed_oldest_first(self, keys: ApiKeyRepository) -> None:
        assert await keys.list_keys() == []
        older = sample_key("mpu_2", created_at=NOW - timedelta(days=1))
        await keys.add_key(sample_key())
        await keys.add_key(older)
        assert await keys.list_keys() == [older, sample_key()]

    async def test_revoked_key_keeps_the_time_of_its_first_revocation(
        self, keys: ApiKeyRepository
    ) -> None:
        await keys.add_key(sample_key())
        await keys.revoke_key(sample_key().digest, NOW)
        await keys.revoke_key(sample_key().digest, NOW + timedelta(days=1))
        assert await keys.find_key(sample_key().digest) == sample_key(revoked_at=NOW)

    async def test_last_use_is_stored(self, keys: ApiKeyRepository) -> None:
        await keys.add_key(sample_key())
        for used in (NOW, NOW + timedelta(days=1)):
            await keys.note_use(sample_key().digest, used)
            assert await keys.find_key(sample_key().digest) == sample_key(last_used_at=used)

    async def test_changing_an_unknown_key_changes_nothing(self, keys: ApiKeyRepository) -> None:
        await keys.revoke_key(sample_key().digest, NOW)
        await keys.note_use(sample_key().digest, NOW)
        assert await keys.list_keys() == []
