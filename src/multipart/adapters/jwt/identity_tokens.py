"""Bearer tokens of an identity provider."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...domain.principal import Principal, Scope, known_scopes
from ...domain.validation import is_user_id
from .verifier import ASYMMETRIC, JwtRules, JwtVerifier, Keys

_SCOPE_PREFIX: Final = "multipart-upload:"


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtConfig:
    """What a token must say. `user_claim` is the claim that is the user id."""

    issuer: str
    audience: str
    user_claim: str = "sub"
    leeway_seconds: int = 0


def identity_verifier(
    keys: Keys, config: JwtConfig, clock: Callable[[], float] = time.time
) -> JwtVerifier:
    """Verify the tokens of an identity provider with these public keys."""

    def read_principal(claims: Mapping[str, Any]) -> Principal | None:
        user_id = claims.get(config.user_claim)
        if not isinstance(user_id, str) or not is_user_id(user_id):
            return None
        return Principal(user_id=user_id, scopes=_scopes(claims))

    rules = JwtRules(
        algorithms=ASYMMETRIC,
        required=("exp", "iss", "aud"),
        audience=config.audience,
        issuer=config.issuer,
        leeway_seconds=config.leeway_seconds,
    )
    return JwtVerifier(keys, rules, read_principal, clock)


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
