"""Settings, from the environment and `.env`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .domain.limits import MAX_OBJECT_SIZE, MAX_PART_COUNT, MAX_URL_SECONDS

_DAY: Final = 24 * 3600
_TEN_YEARS: Final = 3650 * _DAY
_ENDPOINT: Final = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[^\s?#]*)?"
)
_ORIGIN: Final = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
# A token of RFC 9110 5.6.2.
_HEADER_NAME: Final = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one line that names it."""


def _origins(text: str) -> str:
    for origin in _split(text):
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            msg = (
                f"{origin!r} is neither * alone nor an origin such as https://app.example.org, "
                "which has no path and no * in it"
            )
            raise ValueError(msg)
    return text


def _endpoint(url: str | None) -> str | None:
    if url and not _ENDPOINT.fullmatch(url):
        msg = "must be of the form http://host:port or https://host"
        raise ValueError(msg)
    return url or None


def _header_names(text: str) -> str:
    for name in _split(text):
        if not _HEADER_NAME.fullmatch(name):
            msg = f"{name!r} is not the name of a header"
            raise ValueError(msg)
    return text


_Endpoint = Annotated[str | None, AfterValidator(_endpoint)]
_HeaderName = Annotated[
    str,
    Field(
        pattern=_HEADER_NAME, description="must be the name of a header, such as X-Forwarded-User"
    ),
]


class Settings(BaseSettings):
    """What an operator sets; a field's environment variable is its name in capitals.

    A field's description is what the error says when the value is wrong.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        env_ignore_empty=True,
        frozen=True,
        str_strip_whitespace=True,
    )

    aws_region: str = Field(
        default="us-east-1",
        pattern=r"^[A-Za-z0-9-]{1,63}$",
        description="must be 1 to 63 letters, digits and hyphens, such as eu-west-1",
    )
    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None

    s3_bucket_name: str = Field(
        min_length=3,
        max_length=63,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="must be 3 to 63 letters, digits, dots, hyphens and underscores",
    )
    s3_endpoint_url: _Endpoint = None
    s3_public_endpoint_url: _Endpoint = None
    s3_key_prefix: str = Field(
        default="",
        max_length=100,
        pattern=r"^([A-Za-z0-9!_.*'()/-]|\{shard\})*$",
        description="must be at most 100 letters, digits and ! _ . * ' ( ) / -, or {shard}",
    )

    s3_max_parts: int = Field(default=MAX_PART_COUNT, ge=1, le=MAX_PART_COUNT)

    session_repository: str | None = None
    object_store: str | None = None

    mongo_uri: SecretStr | None = None
    mongo_database: str | None = Field(
        default=None,
        pattern=r"^[^/\\. \"$*<>:|?]{1,63}$",
        description='must be 1 to 63 characters other than spaces and / \\ . " $ * < > : | ?',
    )
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///multipart.db")

    signed_url_seconds: int = Field(default=3600, ge=1, le=MAX_URL_SECONDS)
    upload_expiry_seconds: int = Field(default=7 * _DAY, ge=60, le=_TEN_YEARS)
    max_upload_age_seconds: int = Field(default=30 * _DAY, ge=60, le=_TEN_YEARS)
    lease_seconds: int = Field(default=20, ge=3, le=3600)
    wait_seconds: int = Field(default=25, ge=0, le=600)
    sweep_interval_seconds: int = Field(default=300, ge=0, le=7 * _DAY)
    sweep_grace_seconds: int = Field(default=300, ge=0, le=7 * _DAY)
    retention_seconds: int = Field(default=30 * _DAY, ge=60, le=_TEN_YEARS)
    max_upload_size: int = Field(default=MAX_OBJECT_SIZE, ge=1, le=MAX_OBJECT_SIZE)

    companion_user_id: str = Field(
        default="companion",
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="must be 1 to 128 visible ASCII characters",
    )
    companion_user_header: _HeaderName | None = None

    cors_allowed_origins: Annotated[str, NoDecode, AfterValidator(_origins)] = ""
    cors_allow_credentials: bool = False
    cors_allowed_headers: Annotated[str, NoDecode, AfterValidator(_header_names)] = ""
    web_page: bool = False
    api_docs: bool = True
    log_level: Annotated[str, AfterValidator(str.upper)] = Field(
        default="INFO",
        pattern=r"^(?i:debug|info|warning|error)$",
        description="must be debug, info, warning or error",
    )

    @property
    def allowed_origins(self) -> list[str]:
        """Give the origins whose pages may call the service."""
        return _split(self.cors_allowed_origins)

    @property
    def allowed_headers(self) -> list[str]:
        """Give the headers that those pages may send beside the usual ones."""
        return _split(self.cors_allowed_headers)

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.aws_access_key_id is None) != (self.aws_secret_access_key is None):
            msg = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: give both or none"
            raise ValueError(msg)
        if self.signed_url_seconds > self.upload_expiry_seconds:
            msg = "SIGNED_URL_SECONDS: must not be longer than UPLOAD_EXPIRY_SECONDS"
            raise ValueError(msg)
        if self.upload_expiry_seconds > self.max_upload_age_seconds:
            msg = "UPLOAD_EXPIRY_SECONDS: must not be longer than MAX_UPLOAD_AGE_SECONDS"
            raise ValueError(msg)
        if self.lease_seconds > self.upload_expiry_seconds:
            msg = "LEASE_SECONDS: must not be longer than UPLOAD_EXPIRY_SECONDS"
            raise ValueError(msg)
        if self.cors_allow_credentials and "*" in self.allowed_origins:
            msg = "CORS_ALLOW_CREDENTIALS: name the origins in CORS_ALLOWED_ORIGINS, not *"
            raise ValueError(msg)
        return self


def load_settings(**given: str) -> Settings:
    """Read the settings, those given not from the environment.

    Raise SettingsError, with one line that names each wrong one.
    """
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic reads texts
    except ValidationError as exc:
        # Only the messages: the values may be secrets.
        wrong = [
            ": ".join([*(str(name).upper() for name in error["loc"]), _sentence(error)])
            for error in exc.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise SettingsError("; ".join(wrong)) from None


def _sentence(error: Mapping[str, Any]) -> str:
    """Say what is wrong in words of ours."""
    if error["type"] == "missing":
        return "is required"
    if error["type"] == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    field = Settings.model_fields[str(error["loc"][0])]
    if field.annotation is bool:
        return "must be true or false"
    least, most = (
        next((getattr(bound, name) for bound in field.metadata if hasattr(bound, name)), None)
        for name in ("ge", "le")
    )
    if least is not None:
        return f"must be a whole number from {least} to {most}"
    return field.description or "is wrong"


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
