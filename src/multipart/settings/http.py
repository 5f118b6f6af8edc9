"""Settings of the HTTP interface and the log."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode

from .values import HEADER_NAME, check_header_names, check_origins, matching, split_list


class HttpSettings(BaseSettings):
    """Who may call the service, and what it serves."""

    cors_allowed_origins: Annotated[str, NoDecode, AfterValidator(check_origins)] = Field(
        default="",
        description="Origins whose pages may call the service, separated by commas, or * alone. "
        "An origin contains no *.",
    )
    cors_allow_credentials: bool = Field(
        default=False,
        description="Whether pages of CORS_ALLOWED_ORIGINS may send cookies. "
        "The origins must then be named.",
    )
    cors_allowed_headers: Annotated[str, NoDecode, AfterValidator(check_header_names)] = Field(
        default="",
        description="Headers that these pages may send in addition to Content-Type, "
        "Authorization, Idempotency-Key, X-API-Key and X-Request-ID, separated by commas.",
    )
    companion_user_id: Annotated[
        str, matching(r"[\x21-\x7e]{1,128}", "must be 1 to 128 visible ASCII characters")
    ] = Field(
        default="companion",
        description="User id that owns the uploads of the routes under /s3.",
    )
    companion_user_header: (
        Annotated[
            str,
            matching(HEADER_NAME, "must be the name of a header, such as X-Forwarded-User"),
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
    metrics: bool = Field(default=False, description="Whether /metrics serves Prometheus metrics.")
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port that serves /metrics instead of the main port, without authentication. "
        "`serve` listens on it at its --host. Needs METRICS.",
    )
    log_level: Annotated[
        str,
        AfterValidator(str.upper),
        matching("DEBUG|INFO|WARNING|ERROR", "must be debug, info, warning or error"),
    ] = Field(
        default="INFO",
        description="Lowest level of the messages in the log: debug, info, warning or error.",
    )
    log_format: Annotated[
        str,
        AfterValidator(str.lower),
        matching("text|json", "must be text or json"),
    ] = Field(default="text", description="Format of the lines in the log: text or json.")

    traces: bool = Field(
        default=False,
        description="Whether requests and calls of the database and the store are traced with "
        "OpenTelemetry, whose own variables (OTEL_EXPORTER_OTLP_ENDPOINT and others) say where "
        "to. Needs the extra traces.",
    )

    @property
    def allowed_origins(self) -> list[str]:
        """Split CORS_ALLOWED_ORIGINS."""
        return split_list(self.cors_allowed_origins)

    @property
    def allowed_headers(self) -> list[str]:
        """Split CORS_ALLOWED_HEADERS."""
        return split_list(self.cors_allowed_headers)

    @model_validator(mode="after")
    def _require_metrics_for_port(self) -> Self:
        if self.metrics_port is not None and not self.metrics:
            msg = "METRICS_PORT: needs METRICS=true"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _name_origins_for_cookies(self) -> Self:
        if self.cors_allow_credentials and "*" in self.allowed_origins:
            msg = "CORS_ALLOW_CREDENTIALS: name the origins in CORS_ALLOWED_ORIGINS, not *"
            raise ValueError(msg)
        return self
