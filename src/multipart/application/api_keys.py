"""Issue, list, revoke and verify API keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cachetools import TTLCache

from ..domain.api_key import PREFIX, ApiKey, digest_secret, new_secret
from ..domain.errors import InvalidFieldError, UnavailableError
from ..domain.principal import Principal, Scope
from ..domain.validation import is_user_id
from .ports import ApiKeyRepository, Clock

CACHE_SECONDS: Final = 5.0
"""How long a revoked key may still work in a process that has just seen it."""
USE_INTERVAL: Final = timedelta(minutes=1)
"""Within this time after a use, further uses are not stored."""
_MAX_CACHED: Final = 10_000


@dataclass(frozen=True, slots=True)
class IssueApiKey:
    """Store a new key and return it with its secret, which is not stored.

    If the process dies before it shows the secret, the stored key cannot be used; revoke it.
    """

    keys: ApiKeyRepository
    clock: Clock

    async def __call__(
        self,
        user_id: str,
        scopes: AbstractSet[Scope],
        name: str = "",
        lifetime: timedelta | None = None,
    ) -> tuple[ApiKey, str]:
        """Raise InvalidFieldError if it cannot be a user id."""
        if not is_user_id(user_id):
            raise InvalidFieldError("user", "must have 1 to 128 characters, no control characters")
        secret, now = new_secret(), self.clock.now()
        key = ApiKey(
            digest=digest_secret(secret),
            name=name,
            user_id=user_id,
            scopes=scopes,
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        await self.keys.add_key(key)
        return key, secret


@dataclass(frozen=True, slots=True)
class RevokeApiKey:
    """Revoke the key with an id. Return it, or None if there is none."""

    keys: ApiKeyRepository
    clock: Clock

    async def __call__(self, key_id: str) -> ApiKey | None:
        found = next((key for key in await self.keys.list_keys() if key.id == key_id), None)
        if found is not None:
            await self.keys.revoke_key(found.digest, self.clock.now())
        return found


class ApiKeyVerifier:
    """The verifier of API keys; remembers each key for CACHE_SECONDS."""

    def __init__(
        self,
        keys: ApiKeyRepository,
        clock: Clock,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._cache: TTLCache[str, ApiKey] = TTLCache(_MAX_CACHED, CACHE_SECONDS, timer)

    async def verify(self, secret: str) -> Principal | None:
        """Return whose key this is. Raise RepositoryUnavailableError."""
        if not secret.startswith(PREFIX):
            return None
        digest = digest_secret(secret)
        now = self._clock.now()
        key = self._cache.get(digest)
        if key is None:
            key = await self._keys.find_key(digest)
            if key is None:
                return None
            await self._note_use(key, now)
            self._cache[digest] = key
        return key.principal if key.is_valid(now) else None

    async def _note_use(self, key: ApiKey, now: datetime) -> None:
        is_recent = key.last_used_at is not None and now - key.last_used_at < USE_INTERVAL
        if key.is_valid(now) and not is_recent:
            # The request goes on without it.
            with suppress(UnavailableError):
                await self._keys.note_use(key.digest, now)
