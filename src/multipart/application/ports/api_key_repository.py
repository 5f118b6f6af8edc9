"""The port for the store of API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ...domain.api_key import ApiKey


class ApiKeyRepository(Protocol):
    """Stores API keys by their digest.

    Every method raises RepositoryUnavailableError if there is no answer; a change may then have
    happened or not.
    """

    async def add_key(self, key: ApiKey) -> None:
        """Store a new key."""
        ...

    async def find_key(self, digest: str) -> ApiKey | None:
        """Read a key, None if there is none."""
        ...

    async def list_keys(self) -> list[ApiKey]:
        """Read all keys, oldest first."""
        ...

    async def revoke_key(self, digest: str, now: datetime) -> None:
        """Mark a key as revoked. The time of an earlier revocation stays."""
        ...

    async def note_use(self, digest: str, now: datetime) -> None:
        """Store when a key was used last."""
        ...
