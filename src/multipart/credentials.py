"""Open what verifies the credentials that the settings accept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from .adapters.clock import SystemClock
from .application.api_keys import ApiKeyVerifier, IssueApiKey, RevokeApiKey
from .application.mint_upload_token import MintUploadToken
from .application.ports import ApiKeyRepository, CredentialVerifier, UploadTokenSigner
from .session_database import choose_database
from .settings import Settings


@asynccontextmanager
async def open_verifiers(settings: Settings) -> AsyncIterator[Sequence[CredentialVerifier]]:
    """Open the verifiers that AUTH names. Only their adapters are imported."""
    async with AsyncExitStack() as stack:
        verifiers: list[CredentialVerifier] = []
        if "jwt" in settings.auth_methods:
            verifiers.append(await stack.enter_async_context(_open_jwt(settings)))
        if "api-key" in settings.auth_methods:
            keys = await stack.enter_async_context(require_api_keys(settings)())
            verifiers.append(ApiKeyVerifier(keys, SystemClock()))
        if "token" in settings.auth_methods:
            verifiers += await stack.enter_async_context(_open_upload_tokens(settings))
        yield verifiers


@dataclass(frozen=True, slots=True)
class ApiKeyUseCases:
    """What manages API keys, and the keys themselves."""

    keys: ApiKeyRepository
    issue: IssueApiKey
    revoke: RevokeApiKey


@asynccontextmanager
async def open_api_key_use_cases(settings: Settings) -> AsyncIterator[ApiKeyUseCases]:
    """Open the API keys of the session database. Raise ValueError if it stores none."""
    async with require_api_keys(settings)() as keys:
        clock = SystemClock()
        yield ApiKeyUseCases(keys, IssueApiKey(keys, clock), RevokeApiKey(keys, clock))


def require_api_keys(
    settings: Settings,
) -> Callable[[], AbstractAsyncContextManager[ApiKeyRepository]]:
    """Return what opens the API keys. Raise ValueError if the database stores none."""
    open_api_keys = choose_database(settings).open_api_keys
    if open_api_keys is None:
        msg = (
            "AUTH: api-key needs MONGO_URI or DATABASE_URL, because SESSION_REPOSITORY stores none"
        )
        raise ValueError(msg)
    return open_api_keys


@asynccontextmanager
async def _open_jwt(settings: Settings) -> AsyncIterator[CredentialVerifier]:
    from .adapters.jwt import JwtConfig, identity_verifier, open_key_set

    config = JwtConfig(
        issuer=settings.auth_jwt_issuer or "",
        audience=settings.auth_jwt_audience or "",
        user_claim=settings.auth_jwt_user_claim,
        leeway_seconds=settings.auth_jwt_leeway_seconds,
    )
    async with open_key_set(settings.auth_jwks_url or "") as keys:
        yield identity_verifier(keys, config)


@asynccontextmanager
async def _open_upload_tokens(settings: Settings) -> AsyncIterator[Sequence[CredentialVerifier]]:
    from .adapters.jwt import (
        ASYMMETRIC,
        SYMMETRIC,
        SecretKeys,
        open_key_set,
        upload_token_verifier,
    )

    leeway = settings.auth_jwt_leeway_seconds
    verifiers = []
    if secrets := settings.upload_token_secrets:
        verifiers.append(upload_token_verifier(SecretKeys(secrets), SYMMETRIC, leeway))
    if settings.upload_token_jwks_url is None:
        yield verifiers
        return
    async with open_key_set(settings.upload_token_jwks_url) as keys:
        yield [*verifiers, upload_token_verifier(keys, ASYMMETRIC, leeway)]


def create_token_minter(settings: Settings) -> MintUploadToken:
    """Return what makes upload tokens; it refuses to if the settings have no secret for them."""
    return MintUploadToken(_create_signer(settings), SystemClock())


def _create_signer(settings: Settings) -> UploadTokenSigner | None:
    secrets = settings.upload_token_secrets
    if not secrets or "token" not in settings.auth_methods:
        return None
    from .adapters.jwt import HmacSigner

    return HmacSigner(secrets[0])
