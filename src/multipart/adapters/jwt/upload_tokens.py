"""Upload tokens as JWT: signed with a shared secret here, or by an application with its own key."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import jwt
import msgspec

from ...domain.errors import InvalidFieldsError
from ...domain.principal import Principal, Scope
from ...domain.upload_token import AUDIENCE, UploadToken
from .secret_keys import secret_key
from .verifier import JwtRules, JwtVerifier, Keys

_SCOPES: Final = frozenset({Scope.UPLOAD})
_logger = logging.getLogger(__name__)


class _Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """The claims, of which other ones are ignored, as RFC 7519 4 demands."""

    sub: str
    jti: str
    exp: float
    max_size: int | None = None
    content_types: tuple[str, ...] | None = None
    max_uploads: int | None = None
    key_prefix: str = ""
    metadata: dict[str, str] = msgspec.field(default_factory=dict)


class HmacSigner:
    """Signs upload tokens with a shared secret (HS256)."""

    def __init__(self, secret: str) -> None:
        self._key = secret_key(secret)

    def sign(self, token: UploadToken) -> str:
        """Return the JWT of a token."""
        claims = _Claims(
            sub=token.user_id,
            jti=token.id,
            exp=token.expires_at.timestamp(),
            max_size=token.max_size,
            content_types=token.content_types,
            max_uploads=token.max_uploads,
            key_prefix=token.key_prefix,
            metadata=dict(token.metadata),
        )
        payload = {
            **msgspec.to_builtins(claims),
            "aud": AUDIENCE,
            "exp": int(claims.exp),
        }
        return jwt.encode(payload, self._key, algorithm=self._key.algorithm_name)


def upload_token_verifier(
    keys: Keys,
    algorithms: Sequence[str],
    leeway_seconds: int,
    clock: Callable[[], float] = time.time,
) -> JwtVerifier:
    """Verify upload tokens with these keys."""

    def read_principal(claims: Mapping[str, Any]) -> Principal | None:
        try:
            token = _read_token(claims, leeway_seconds)
            token.require_valid()
        except (msgspec.ValidationError, InvalidFieldsError) as exc:
            # Whoever signed it should know: the answer is only 401.
            _logger.warning("An upload token with a valid signature is refused: %s", exc)
            return None
        return Principal(user_id=token.user_id, scopes=_SCOPES, token=token)

    rules = JwtRules(
        algorithms=algorithms,
        required=("sub", "exp", "jti", "aud"),
        audience=AUDIENCE,
        leeway_seconds=leeway_seconds,
    )
    return JwtVerifier(keys, rules, read_principal, clock)


def _read_token(claims: Mapping[str, Any], leeway_seconds: int) -> UploadToken:
    found = msgspec.convert(claims, _Claims)
    return UploadToken(
        id=found.jti,
        user_id=found.sub,
        expires_at=datetime.fromtimestamp(math.ceil(found.exp) + leeway_seconds, UTC),
        max_size=found.max_size,
        content_types=found.content_types,
        max_uploads=found.max_uploads,
        key_prefix=found.key_prefix,
        metadata=found.metadata,
    )
