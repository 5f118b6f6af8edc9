"""Settings of the object store in a folder."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from .values import Endpoint, require_for_store

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
        require_for_store("disk", value, info)
        return value

    @field_validator("disk_store_secret")
    @classmethod
    def _require_length(cls, secret: SecretStr) -> SecretStr:
        if 0 < len(secret) < MIN_SECRET_LENGTH:
            msg = f"must have {MIN_SECRET_LENGTH} characters or more"
            raise ValueError(msg)
        return secret
