"""API keys in memory, for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ...domain.api_key import ApiKey


class MemoryApiKeyRepository:
    """Keeps all keys in this process."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    async def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        self._keys[key.digest] = key

    async def find_key(self, digest: str) -> ApiKey | None:
        """Read a key."""
        return self._keys.get(digest)

    async def list_keys(self) -> list[ApiKey]:
        """Read all keys, oldest first."""
        return sorted(self._keys.values(), key=lambda key: key.created_at)

    async def revoke_key(self, digest: str, now: datetime) -> None:
        """Mark a key as revoked."""
        if (key := self._keys.get(digest)) and key.revoked_at is None:
            self._keys[digest] = replace(key, revoked_at=now)

    async def note_use(self, digest: str, now: datetime) -> None:
        """Store when a key was used last."""
        if key := self._keys.get(digest):
            self._keys[digest] = replace(key, last_used_at=now)
