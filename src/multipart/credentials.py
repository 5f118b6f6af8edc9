"""Open what verifies the credentials that the settings accept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from .application.ports import CredentialVerifier
from .settings import Settings


@asynccontextmanager
async def open_verifiers(settings: Settings) -> AsyncIterator[Sequence[CredentialVerifier]]:
    """Open the verifiers that AUTH names. Only their adapters are imported."""
    async with AsyncExitStack() as stack:
        verifiers: list[CredentialVerifier] = []
        if "jwt" in settings.auth_methods:
            verifiers.append(await stack.enter_async_context(_open_jwt(settings)))
        yield verifiers


@asynccontextmanager
async def _open_jwt(settings: Settings) -> AsyncIterator[CredentialVerifier]:
    from .adapters.jwt import JwtConfig, JwtVerifier, open_key_set

    config = JwtConfig(
        issuer=settings.auth_jwt_issuer or "",
        audience=settings.auth_jwt_audience or "",
        user_claim=settings.auth_jwt_user_claim,
        leeway_seconds=settings.auth_jwt_leeway_seconds,
    )
    async with open_key_set(settings.auth_jwks_url or "") as keys:
        yield JwtVerifier(keys, config)
