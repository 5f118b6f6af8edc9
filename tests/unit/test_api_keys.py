"""API keys are issued once, verified by their hash, and stop working."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from multipart_upload.application.api_keys import (
    CACHE_SECONDS,
    USE_INTERVAL,
    ApiKeyVerifier,
    IssueApiKey,
    RevokeApiKey,
)
from multipart_upload.application.ports import ApiKeyRepository
from multipart_upload.domain.api_key import ApiKey, digest_secret
from multipart_upload.domain.errors import InvalidFieldError, RepositoryUnavailableError
from multipart_upload.domain.principal import Principal, Scope
from multipart_upload.testing.memory import MemoryApiKeyRepository

from .service import T0, SettableClock

UPLOAD = frozenset({Scope.UPLOAD})


class CountingKeys(MemoryApiKeyRepository):
    """Counts reads and writes; uses can fail to be stored."""

    def __init__(self) -> None:
        super().__init__()
        self.found = self.noted = 0
        self.is_away = False

    async def find_key(self, digest: str) -> ApiKey | None:
        self.found += 1
        return await super().find_key(digest)

    async def note_use(self, digest: str, now: datetime) -> None:
        self.noted += 1
        if self.is_away:
            raise RepositoryUnavailableError
        await super().note_use(digest, now)


@dataclass
class Keys:
    """The use cases on keys in memory, with both clocks."""

    repository: CountingKeys = field(default_factory=CountingKeys)
    clock: SettableClock = field(default_factory=SettableClock)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        keys: ApiKeyRepository = self.repository
        self.issue = IssueApiKey(keys, self.clock)
        self.revoke = RevokeApiKey(keys, self.clock)
        self.verify = ApiKeyVerifier(keys, self.clock, lambda: self.seconds).verify

    def forget(self) -> None:
        self.seconds += CACHE_SECONDS + 1


@pytest.fixture
def keys() -> Keys:
    return Keys()


async def test_issued_key_is_accepted(keys: Keys) -> None:
    key, secret = await keys.issue("alice", frozenset({Scope.ACT_FOR}), "ci")

    assert await keys.verify(secret) == Principal(user_id="alice", scopes={Scope.ACT_FOR})
    assert secret not in repr(key)
    assert key.digest == digest_secret(secret)


async def test_keys_differ(keys: Keys) -> None:
    secrets = {(await keys.issue("alice", UPLOAD))[1] for _ in range(100)}

    assert len(secrets) == 100
    assert all(len(secret) == 47 and secret.startswith("mpu_") for secret in secrets)


@pytest.mark.parametrize("secret", ["", "mpu_", "mpu_unknown", "another kind"])
async def test_other_text_is_refused(keys: Keys, secret: str) -> None:
    await keys.issue("alice", UPLOAD)

    assert await keys.verify(secret) is None


async def test_text_of_another_kind_is_not_looked_up(keys: Keys) -> None:
    await keys.verify("eyJhbGciOiJub25lIn0.e30.")

    assert keys.repository.found == 0


async def test_key_expires_also_while_it_is_remembered(keys: Keys) -> None:
    _, secret = await keys.issue("alice", UPLOAD, lifetime=timedelta(days=1))
    keys.clock.time = T0 + timedelta(days=1) - timedelta(microseconds=1)
    assert await keys.verify(secret)

    keys.clock.time = T0 + timedelta(days=1)

    assert await keys.verify(secret) is None


async def test_revoked_key_stops_working_when_it_is_read_again(keys: Keys) -> None:
    key, secret = await keys.issue("alice", UPLOAD)
    assert await keys.verify(secret)

    revoked = await keys.revoke(key.id)
    assert revoked is not None
    assert revoked.digest == key.digest
    keys.forget()

    assert await keys.verify(secret) is None


async def test_unknown_id_revokes_nothing(keys: Keys) -> None:
    _, secret = await keys.issue("alice", UPLOAD)

    assert await keys.revoke("0123") is None
    assert await keys.verify(secret)


async def test_key_is_read_once_while_it_is_remembered(keys: Keys) -> None:
    _, secret = await keys.issue("alice", UPLOAD)
    for _ in range(10):
        assert await keys.verify(secret)

    assert (keys.repository.found, keys.repository.noted) == (1, 1)


async def test_last_use_is_stored_once_a_minute(keys: Keys) -> None:
    key, secret = await keys.issue("alice", UPLOAD)
    for now in (T0, T0 + USE_INTERVAL / 2, T0 + USE_INTERVAL):
        keys.clock.time = now
        keys.forget()
        assert await keys.verify(secret)

    (stored,) = await keys.repository.list_keys()
    assert stored.id == key.id
    assert (stored.last_used_at, keys.repository.noted) == (T0 + USE_INTERVAL, 2)


async def test_key_works_although_its_use_cannot_be_stored(keys: Keys) -> None:
    _, secret = await keys.issue("alice", UPLOAD)
    keys.repository.is_away = True

    assert await keys.verify(secret)


@pytest.mark.parametrize("user_id", ["", "a" * 129, "a\nb"])
async def test_user_of_a_key_must_be_a_user_id(keys: Keys, user_id: str) -> None:
    with pytest.raises(InvalidFieldError):
        await keys.issue(user_id, UPLOAD)
    assert await keys.repository.list_keys() == []
