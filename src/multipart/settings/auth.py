"""Settings of authentication."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode

from ..domain.upload_token import AUDIENCE
from .values import HEADER_NAME, is_loopback, matching, split_list

METHODS: Final = ("jwt", "api-key", "token", "header")
NONE: Final = "none"
_MIN_SECRET_BYTES: Final = 32  # RFC 7518 3.2, for HS256


def _check_methods(text: str) -> str:
    methods = split_list(text.lower())
    if methods != [NONE] and not (methods and set(methods) <= {*METHODS}):
        msg = f"must be {NONE}, or one or more of {', '.join(METHODS)} separated by commas"
        raise ValueError(msg)
    return ",".join(methods)


def _check_networks(text: str) -> str:
    for network in split_list(text):
        try:
            ip_network(network)
        except ValueError as exc:
            msg = f"{network!r} is not a network such as 10.0.0.0/8: {exc}"
            raise ValueError(msg) from exc
    return text


def _check_secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().encode()) < _MIN_SECRET_BYTES:
        msg = f"must have {_MIN_SECRET_BYTES} bytes or more, such as `openssl rand -hex 32` prints"
        raise ValueError(msg)
    return secret


_Secret = Annotated[SecretStr, AfterValidator(_check_secret)]


def _check_jwks_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or "")):
        return text
    if url.scheme or not Path(text).is_file():
        msg = "must be a URL with https, or the path of a file"
        raise ValueError(msg)
    return text


class AuthSettings(BaseSettings):
    """Who the callers are."""

    auth: Annotated[str, NoDecode, AfterValidator(_check_methods)] | None = Field(
        default=None,
        description="How callers are authenticated: none (each request names its user), or one or "
        "more of jwt, api-key, token and header, separated by commas. Without it callers are not "
        "authenticated either, and serve listens on loopback addresses only.",
    )
    auth_jwks_url: Annotated[str, AfterValidator(_check_jwks_url)] | None = Field(
        default=None,
        description="Public keys of the identity provider as JSON Web Key Set: a URL, or a file. "
        "For AUTH=jwt.",
    )
    auth_jwt_issuer: str | None = Field(
        default=None, description="Required `iss` of bearer tokens. For AUTH=jwt."
    )
    auth_jwt_audience: str | None = Field(
        default=None, description="Required `aud` of bearer tokens. For AUTH=jwt."
    )
    auth_jwt_user_claim: str = Field(
        default="sub", description="Claim of bearer tokens that is the user id."
    )
    auth_jwt_leeway_seconds: int = Field(
        default=30,
        ge=0,
        le=300,
        description="How far the clock of the identity provider may differ.",
    )
    upload_token_secret: _Secret | None = Field(
        default=None,
        description="Secret that signs and verifies upload tokens (HS256), 32 bytes or more. For "
        "AUTH=token.",
    )
    upload_token_previous_secret: _Secret | None = Field(
        default=None,
        description="The secret before UPLOAD_TOKEN_SECRET was changed: its tokens are accepted.",
    )
    upload_token_jwks_url: Annotated[str, AfterValidator(_check_jwks_url)] | None = Field(
        default=None,
        description="Public keys of an application that signs upload tokens, as JSON Web Key Set: "
        "a URL, or a file. For AUTH=token, instead of the secret or with it.",
    )
    auth_user_header: Annotated[
        str, matching(HEADER_NAME, "must be the name of a header, such as X-Forwarded-User")
    ] = Field(
        default="X-Forwarded-User",
        description="Header in which a proxy of AUTH_TRUSTED_PROXIES names the user. For "
        "AUTH=header.",
    )
    auth_trusted_proxies: Annotated[str, NoDecode, AfterValidator(_check_networks)] = Field(
        default="127.0.0.0/8,::1/128",
        description="Networks of the proxies whose AUTH_USER_HEADER and X-Forwarded-For are "
        "believed, separated by commas.",
    )

    @property
    def auth_methods(self) -> list[str]:
        """Split AUTH; empty if callers are not authenticated."""
        return [method for method in split_list(self.auth or "") if method != NONE]

    @property
    def upload_token_secrets(self) -> list[str]:
        """The secrets of upload tokens; the first one signs."""
        secrets = (self.upload_token_secret, self.upload_token_previous_secret)
        return [secret.get_secret_value() for secret in secrets if secret is not None]

    @property
    def trusted_networks(self) -> list[str]:
        """Split AUTH_TRUSTED_PROXIES."""
        return split_list(self.auth_trusted_proxies)

    @model_validator(mode="after")
    def _require_identity_provider(self) -> Self:
        required = ("auth_jwks_url", "auth_jwt_issuer", "auth_jwt_audience")
        missing = [name.upper() for name in required if getattr(self, name) is None]
        if "jwt" in self.auth_methods and missing:
            msg = "; ".join(f"{name}: is required with AUTH=jwt" for name in missing)
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _require_token_keys(self) -> Self:
        if "token" not in self.auth_methods:
            return self
        if self.upload_token_secret is None and self.upload_token_jwks_url is None:
            msg = "UPLOAD_TOKEN_SECRET: is required with AUTH=token, or UPLOAD_TOKEN_JWKS_URL"
            raise ValueError(msg)
        if "jwt" in self.auth_methods and self.auth_jwt_audience == AUDIENCE:
            # Upload tokens must not count as tokens of the identity provider.
            reserved = AUDIENCE
            msg = f"AUTH_JWT_AUDIENCE: must not be {reserved}, the audience of upload tokens"
            raise ValueError(msg)
        return self
