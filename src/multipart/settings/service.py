"""All settings of the service, from the environment and `.env`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .auth import AuthSettings
from .azure import AzureSettings
from .database import DatabaseSettings
from .disk import DiskSettings
from .events import EventSettings
from .http import HttpSettings
from .names import environment_names, find_misspellings
from .quotas import QuotaSettings
from .rate_limits import RateLimitSettings
from .receipts import ReceiptSettings
from .s3 import S3Settings
from .uploads import UploadSettings


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one line that names it."""


class StoreSettings(BaseSettings):
    """Which object store is used."""

    object_store: str = Field(
        default="s3",
        description="Where the bytes are stored: s3, azure, disk, or the entry point of an "
        "installed object store.",
    )


# pydantic lists the fields of the last base first.
class Settings(
    AuthSettings,
    ReceiptSettings,
    EventSettings,
    HttpSettings,
    QuotaSettings,
    RateLimitSettings,
    UploadSettings,
    DatabaseSettings,
    DiskSettings,
    AzureSettings,
    S3Settings,
    StoreSettings,
):
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
