"""Verify signed tokens (JWT)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

import jwt
from cachetools import LRUCache

from ...domain.principal import Principal

ASYMMETRIC: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""For public keys. No HMAC: its secret could be a public key, which everybody knows. No `none`."""
SYMMETRIC: Final = ("HS256",)
"""For shared secrets."""
MAX_CACHED: Final = 10_000
# A claim of another type or size than the standard says can raise any of these.
_WRONG_TYPES: Final = (TypeError, ValueError, OverflowError)


class Keys(Protocol):
    """Keys that verify signatures."""

    @property
    def generation(self) -> int:
        """Changes whenever the keys do."""
        ...

    @property
    def is_old(self) -> bool:
        """Whether the keys must be read again before a token is accepted."""
        ...

    async def find(self, key_id: str | None) -> Sequence[jwt.PyJWK]:
        """Return the keys with this id, or all keys for a token that names none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtRules:
    """What every token must say: `required` claims, the audience and, unless None, the issuer."""

    algorithms: Sequence[str]
    required: Sequence[str]
    audience: str
    issuer: str | None = None
    leeway_seconds: int = 0


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    expires_at: float
    generation: int


class JwtVerifier:
    """Verifies tokens, and remembers valid ones until they expire or the keys change.

    `read_principal` returns the caller that the claims of a signed token describe, None if they
    describe none.
    """

    def __init__(
        self,
        keys: Keys,
        rules: JwtRules,
        read_principal: Callable[[Mapping[str, Any]], Principal | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._rules = rules
        self._read_principal = read_principal
        self._clock = clock
        self._cache: LRUCache[bytes, _Verified] = LRUCache(MAX_CACHED)

    async def verify(self, secret: str) -> Principal | None:
        """Return the caller that a valid token names, None for any other text.

        Raise IdentityProviderUnavailableError if the keys have never been read.
        """
        if known := self.recall(secret):
            return known
        try:
            key_id = jwt.get_unverified_header(secret).get("kid")
        except jwt.PyJWTError:
            return None
        for key in await self._keys.find(key_id):
            if verified := self._verify_with(key, secret):
                self._cache[_digest(secret)] = verified
                return verified.principal
        return None

    def recall(self, token: str) -> Principal | None:
        """Return the caller of a token that was verified before and is still valid."""
        digest = _digest(token)
        found = self._cache.get(digest)
        if found is None:
            return None
        is_expired = self._clock() >= found.expires_at + self._rules.leeway_seconds
        if is_expired or found.generation != self._keys.generation or self._keys.is_old:
            del self._cache[digest]
            return None
        return found.principal

    def _verify_with(self, key: jwt.PyJWK, token: str) -> _Verified | None:
        rules = self._rules
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=rules.algorithms,
                audience=rules.audience,
                issuer=rules.issuer,
                leeway=rules.leeway_seconds,
                options={"require": [*rules.required]},
            )
            principal = self._read_principal(claims)
            if principal is None:
                return None
            return _Verified(principal, float(claims["exp"]), self._keys.generation)
        except (jwt.PyJWTError, *_WRONG_TYPES):
            return None


def _digest(token: str) -> bytes:
    # Memory holds no tokens.
    return sha256(token.encode(errors="surrogatepass")).digest()
