"""Settings of the object store in a folder."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from .values import Endpoint

MIN_SECRET_LENGTH = 32


class DiskSettings(BaseSettings):
    """The folder, and how clients reach it."""

    disk_store_path: str = Field(
        default="",
        validate_default=True,
        description="Folder that receives the uploads. Required if OBJECT_STORE is disk.",
    )
    disk_store_secret: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="Secret that signs the URLs of the folder, 32 characters or more, the same in "
        "every process. Required if OBJECT_STORE is disk.",
    )
    disk_store_public_url: Endpoint | None = Field(
        default=None,
        validate_default=True,
        description="URL at which clients reach the service, such as https://uploads.example.org. "
        "Required if OBJECT_STORE is disk.",
    )

    @field_validator("disk_store_path", "disk_store_secret", "disk_store_public_url")
    @classmethod
    def _require_with_disk(cls, value: Any, info: ValidationInfo) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if info.data.get("object_store") == "disk" and not text:
            msg = "is required"
            raise ValueError(msg)
        if text and isinstance(value, SecretStr) and len(text) < MIN_SECRET_LENGTH:
            msg = f"must have {MIN_SECRET_LENGTH} characters or more"
            raise ValueError(msg)
        return value
