"""Verify bearer tokens (JWT) of an identity provider."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import jwt
from cachetools import LRUCache

from ...domain.principal import Principal, Scope, known_scopes
from ...domain.validation import is_user_id
from .key_set import KeySet

# No HMAC: its secret could be a public key, which everybody knows. No `none`.
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
MAX_CACHED: Final = 10_000
_SCOPE_PREFIX: Final = "multipart-upload:"


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtConfig:
    """What a token must say. `user_claim` is the claim that is the user id."""

    issuer: str
    audience: str
    user_claim: str = "sub"
    leeway_seconds: int = 0


@dataclass(frozen=True, slots=True)
class _Verified:
    principal: Principal
    expires_at: float
    generation: int


class JwtVerifier:
    """Verifies tokens, and remembers valid ones until they expire or the keys change."""

    def __init__(
        self, keys: KeySet, config: JwtConfig, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._config = config
        self._clock = clock
        self._cache: LRUCache[bytes, _Verified] = LRUCache(MAX_CACHED)

    async def verify(self, secret: str) -> Principal | None:
        """Return the user of a valid token, None for any other text.

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
        """Return the user of a token that was verified before and is still valid."""
        digest = _digest(token)
        found = self._cache.get(digest)
        if found is None:
            return None
        is_expired = self._clock() >= found.expires_at + self._config.leeway_seconds
        if is_expired or found.generation != self._keys.generation or self._keys.is_old:
            del self._cache[digest]
            return None
        return found.principal

    def _verify_with(self, key: jwt.PyJWK, token: str) -> _Verified | None:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._config.audience,
                issuer=self._config.issuer,
                leeway=self._config.leeway_seconds,
                options={"require": ["exp", "iss", "aud"]},
            )
        # A claim of another type than the standard says can raise either of the last two.
        except (jwt.PyJWTError, TypeError, ValueError):
            return None
        user_id = claims.get(self._config.user_claim)
        if not isinstance(user_id, str) or not is_user_id(user_id):
            return None
        principal = Principal(user_id=user_id, scopes=_scopes(claims))
        return _Verified(principal, float(claims["exp"]), self._keys.generation)


def _digest(token: str) -> bytes:
    # Memory holds no tokens.
    return sha256(token.encode(errors="surrogatepass")).digest()


def _scopes(claims: Mapping[str, Any]) -> frozenset[Scope]:
    """Return `upload`, and the scopes of this service that the token names.

    Scopes are in `scope`, separated by spaces (RFC 8693 4.2), or in `scp`, where some providers put
    them as a list.
    """
    named = [*_words(claims.get("scope")), *_words(claims.get("scp"))]
    ours = {word.removeprefix(_SCOPE_PREFIX) for word in named if word.startswith(_SCOPE_PREFIX)}
    return known_scopes({Scope.UPLOAD, *ours})


def _words(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return value.split()
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []
