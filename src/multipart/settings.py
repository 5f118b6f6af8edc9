"""Settings, from the environment and `.env`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .domain.limits import MAX_OBJECT_SIZE, MAX_PART_COUNT, MAX_URL_SECONDS
from .settings_names import environment_names, find_misspellings

_DAY: Final = 24 * 3600
_TEN_YEARS: Final = 3650 * _DAY
_ORIGIN: Final = r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?"
# A token of RFC 9110 5.6.2.
_HEADER_NAME: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one line that names it."""


def _matching(pattern: str, rule: str) -> AfterValidator:
    """Require text that matches all of a pattern; `rule` is the error message."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def _check_origins(text: str) -> str:
    for origin in _split(text):
        if origin != "*" and not re.fullmatch(_ORIGIN, origin):
            msg = (
                f"{origin!r} is neither * alone nor an origin such as https://app.example.org, "
                "which has no path and no * in it"
            )
            raise ValueError(msg)
    return text


def _check_header_names(text: str) -> str:
    for name in _split(text):
        if not re.fullmatch(_HEADER_NAME, name):
            msg = f"{name!r} is not the name of a header"
            raise ValueError(msg)
    return text


_Endpoint = Annotated[
    str,
    _matching(_ORIGIN + r"(/[^\s?#]*)?", "must be of the form http://host:port or https://host"),
]


class Settings(BaseSettings):
    """The service's settings; a field's environment variable is its name in capitals.

    The reference page and `.env.example` use the descriptions.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        extra="ignore",
        env_ignore_empty=True,
        frozen=True,
        str_strip_whitespace=True,
    )

    # S3

    s3_bucket_name: Annotated[
        str,
        _matching(
            r"[A-Za-z0-9._-]{3,63}",
            "must be 3 to 63 letters, digits, dots, hyphens and underscores",
        ),
    ] = Field(description="Bucket that receives the uploads. Required.")
    aws_region: Annotated[
        str,
        _matching(
            r"[A-Za-z0-9-]{1,63}", "must be 1 to 63 letters, digits and hyphens, such as eu-west-1"
        ),
    ] = Field(default="us-east-1", description="Region of the bucket.")
    aws_access_key_id: str | None = Field(
        default=None,
        description="Access key id of static credentials. Without static credentials the usual "
        "AWS credential chain applies (environment, profile, role, instance metadata).",
    )
    aws_secret_access_key: SecretStr | None = Field(
        default=None,
        description="Secret of AWS_ACCESS_KEY_ID. Set both or neither.",
    )
    aws_session_token: SecretStr | None = Field(
        default=None,
        description="Session token of temporary static credentials.",
    )
    s3_endpoint_url: _Endpoint | None = Field(
        default=None,
        description="URL of an S3-compatible store other than AWS, addressed in path style. "
        "Default: AWS, addressed in virtual-host style.",
    )
    s3_public_endpoint_url: _Endpoint | None = Field(
        default=None,
        description="URL at which clients reach the store, used in signed URLs only. "
        "Default: S3_ENDPOINT_URL.",
    )
    s3_key_prefix: Annotated[
        str,
        _matching(
            r"(?=.{0,100}$)([A-Za-z0-9!_.*'()/-]|\{shard\})*",
            "must be at most 100 letters, digits and ! _ . * ' ( ) / -, or {shard}",
        ),
    ] = Field(
        default="",
        description="Prefix of every object key. {shard} in it becomes one of 256 values, which "
        "spreads the uploads evenly over 256 key prefixes.",
    )
    s3_max_parts: int = Field(
        default=MAX_PART_COUNT,
        ge=1,
        le=MAX_PART_COUNT,
        description="Largest number of parts that the store accepts in one upload, "
        "such as 1000 for OpenStack Swift.",
    )

    # Session database

    mongo_uri: SecretStr | None = Field(
        default=None,
        description="MongoDB that stores the upload sessions. MONGO_URI or DATABASE_URL is "
        "required; MONGO_URI wins if both are set.",
    )
    mongo_database: (
        Annotated[
            str,
            _matching(
                r"[^/\\. \"$*<>:|?]{1,63}",
                'must be 1 to 63 characters other than spaces and / \\ . " $ * < > : | ?',
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Name of the MongoDB database. "
        "Default: the database in MONGO_URI, otherwise multipart.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="SQL database that stores the upload sessions when MONGO_URI is not set "
        "(one of them is required): "
        "sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE.",
    )

    # Adapters of your own

    session_repository: str | None = Field(
        default=None,
        description="Entry point of an installed session repository that replaces MONGO_URI and "
        "DATABASE_URL.",
    )
    object_store: str | None = Field(
        default=None,
        description="Entry point of an installed object store that replaces S3. S3_BUCKET_NAME is "
        "still required, and the web page uploads to S3_PUBLIC_ENDPOINT_URL.",
    )

    # Limits of an upload

    max_upload_size: int = Field(
        default=MAX_OBJECT_SIZE,
        ge=1,
        le=MAX_OBJECT_SIZE,
        description="Largest file in bytes. The default is the limit of S3, 48.8 TiB; some "
        "vendors stop at 5 TB.",
    )
    signed_url_seconds: int = Field(
        default=3600,
        ge=1,
        le=MAX_URL_SECONDS,
        description="Lifetime of a signed URL in seconds, 7 days at most and never longer than "
        "the credentials. Shorten it for stores that accept a PUT after the end of an upload.",
    )
    upload_expiry_seconds: int = Field(
        default=7 * _DAY,
        ge=60,
        le=_TEN_YEARS,
        description="Seconds after which an idle upload expires; every reported or stored part "
        "restarts that time. Clients see the time as expires_at.",
    )
    max_upload_age_seconds: int = Field(
        default=30 * _DAY,
        ge=60,
        le=_TEN_YEARS,
        description="Seconds after which an upload expires even if parts still arrive. No signed "
        "URL works longer. The expiry_reason is then max-age.",
    )
    retention_seconds: int = Field(
        default=30 * _DAY,
        ge=60,
        le=_TEN_YEARS,
        description="Seconds for which a session is kept after it was completed, aborted or "
        "expired.",
    )

    # Leases and the sweep

    lease_seconds: int = Field(
        default=20,
        ge=3,
        le=3600,
        description="Lease duration in seconds: how long a crashed process blocks others from "
        "opening, completing or aborting the same upload. A running process renews its lease, "
        "for up to 600 seconds of work in S3.",
    )
    wait_seconds: int = Field(
        default=25,
        ge=0,
        le=600,
        description="Seconds that a request waits while another one holds the lease, before it is "
        "answered 409 with Retry-After.",
    )
    sweep_interval_seconds: int = Field(
        default=300,
        ge=0,
        le=7 * _DAY,
        description="Average seconds between two sweeps of one process; each pause varies by "
        "half. 0: `serve` does not sweep.",
    )
    sweep_grace_seconds: int = Field(
        default=300,
        ge=0,
        le=7 * _DAY,
        description="Seconds after its deadline before the sweep acts on an upload.",
    )

    # HTTP

    cors_allowed_origins: Annotated[str, NoDecode, AfterValidator(_check_origins)] = Field(
        default="",
        description="Origins whose pages may call the service, separated by commas, or * alone. "
        "An origin contains no *.",
    )
    cors_allow_credentials: bool = Field(
        default=False,
        description="Whether pages of CORS_ALLOWED_ORIGINS may send cookies. "
        "The origins must then be named.",
    )
    cors_allowed_headers: Annotated[str, NoDecode, AfterValidator(_check_header_names)] = Field(
        default="",
        description="Headers that these pages may send in addition to Content-Type, "
        "Authorization, Idempotency-Key and X-Request-ID, separated by commas.",
    )
    companion_user_id: Annotated[
        str, _matching(r"[\x21-\x7e]{1,128}", "must be 1 to 128 visible ASCII characters")
    ] = Field(
        default="companion",
        description="User id that owns the uploads of the routes under /s3.",
    )
    companion_user_header: (
        Annotated[
            str,
            _matching(_HEADER_NAME, "must be the name of a header, such as X-Forwarded-User"),
        ]
        | None
    ) = Field(
        default=None,
        description="Header in which a trusted proxy names the user of the routes under /s3, "
        "instead of COMPANION_USER_ID. The proxy must replace the header that clients send.",
    )
    web_page: bool = Field(default=False, description="Whether / serves the upload page.")
    api_docs: bool = Field(
        default=True, description="Whether /docs serves the documentation of the routes."
    )
    log_level: Annotated[
        str,
        AfterValidator(str.upper),
        _matching("DEBUG|INFO|WARNING|ERROR", "must be debug, info, warning or error"),
    ] = Field(
        default="INFO",
        description="Lowest level of the messages in the log: debug, info, warning or error.",
    )

    @property
    def allowed_origins(self) -> list[str]:
        """Split CORS_ALLOWED_ORIGINS."""
        return _split(self.cors_allowed_origins)

    @property
    def allowed_headers(self) -> list[str]:
        """Split CORS_ALLOWED_HEADERS."""
        return _split(self.cors_allowed_headers)

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if (self.aws_access_key_id is None) != (self.aws_secret_access_key is None):
            msg = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: set both or neither"
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


def load_settings(**overrides: str) -> Settings:
    """Read the settings from the environment; `overrides` take precedence.

    Raise SettingsError, with one line that names each wrong setting.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic parses text
    except ValidationError as exc:
        # Only the messages: the values may be secrets.
        messages = [
            ": ".join([*(str(name).upper() for name in error["loc"]), _message(error)])
            for error in exc.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise SettingsError("; ".join(messages)) from None


def find_misspelt_settings() -> dict[str, str]:
    """Return the variables whose names are close to a setting that is not set, and that setting."""
    names = environment_names(str(Settings.model_config["env_file"]))
    return find_misspellings(names, [name.upper() for name in Settings.model_fields])


def _message(error: Mapping[str, Any]) -> str:
    """Describe an error without pydantic's wording."""
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
    return f"must be a whole number from {least} to {most}"


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
