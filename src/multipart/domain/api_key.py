"""API keys: secrets that the service itself issues."""

from __future__ import annotations

import secrets
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from .principal import Principal, Scope

PREFIX: Final = "mpu_"
"""Begins every key, so that scanners for leaked secrets recognise it."""
_SECRET_BYTES: Final = 32
_ID_LENGTH: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is stored of a key: its digest, never the secret.

    `expires_at` is None for a key that does not expire.
    """

    digest: str
    name: str
    user_id: str
    scopes: AbstractSet[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def id(self) -> str:
        """Identifies the key in lists; it does not help to guess the secret."""
        return self.digest[:_ID_LENGTH]

    @property
    def principal(self) -> Principal:
        """The caller that presents the key."""
        return Principal(user_id=self.user_id, scopes=self.scopes)

    def is_valid(self, now: datetime) -> bool:
        """Return whether the key has neither expired nor been revoked."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def new_secret() -> str:
    """Make a random key, to be shown once."""
    return PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def digest_secret(secret: str) -> str:
    """Return the SHA-256 of a key, by which it is found.

    A fast hash is enough for 256 random bits. Finding it by index takes a time that depends on the
    digest alone, from which the secret cannot be derived.
    """
    return sha256(secret.encode()).hexdigest()
