"""Settings of rate limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from ..domain.rate_limit import RateLimit, Unit, parse_rate_limit


def _check_limit(text: str) -> str:
    parse_rate_limit(Unit.STARTS, text)
    return text


def _check_uri(uri: SecretStr) -> SecretStr:
    scheme, separator, _ = uri.get_secret_value().partition("://")
    if not separator or scheme not in {"redis", "rediss", "valkey", "valkeys"}:
        msg = "must begin with redis://, rediss://, valkey:// or valkeys://"
        raise ValueError(msg)
    return uri


_Limit = Annotated[str, AfterValidator(_check_limit)] | None


class RateLimitSettings(BaseSettings):
    """How much a caller may do within a time."""

    rate_limit_starts: _Limit = Field(
        default=None,
        description="Most uploads that one user, or one address, may start in a time, such as "
        "100/minute or 5000 per 2 hours. Default: no limit.",
    )
    rate_limit_urls: _Limit = Field(
        default=None,
        description="Most URLs that one user, or one address, may have signed in a time; a batch "
        "of 1000 parts counts 1000. Default: no limit.",
    )
    rate_limit_storage_uri: Annotated[SecretStr, AfterValidator(_check_uri)] | None = Field(
        default=None,
        description="Redis or Valkey that counts for all processes together, such as "
        "redis://:PASSWORD@HOST:6379/0. Default: each process counts on its own.",
    )

    @property
    def rate_limits(self) -> Mapping[Unit, RateLimit]:
        """The limits that are set."""
        texts = {Unit.STARTS: self.rate_limit_starts, Unit.URLS: self.rate_limit_urls}
        return {unit: parse_rate_limit(unit, text) for unit, text in texts.items() if text}
