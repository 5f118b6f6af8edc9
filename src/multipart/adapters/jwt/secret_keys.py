"""Shared secrets that verify signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from jwt import PyJWK
from jwt.utils import base64url_encode

from .verifier import SYMMETRIC


class SecretKeys:
    """Secrets from the settings, which never change while the process runs."""

    generation: Final = 0
    is_old: Final = False

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [secret_key(secret) for secret in secrets]

    async def find(self, _: str | None) -> Sequence[PyJWK]:
        """Return every key: tokens with a shared secret need not name it."""
        return self._keys


def secret_key(secret: str) -> PyJWK:
    """Return the key of HS256 with this secret, as the UTF-8 of its text."""
    octets = base64url_encode(secret.encode()).decode()
    return PyJWK({"kty": "oct", "k": octets, "alg": SYMMETRIC[0]})
