"""Settings of the object store on Azure Blob Storage."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from .values import Endpoint, matching, require_for_store


class AzureSettings(BaseSettings):
    """The storage account, its key and the container."""

    azure_storage_account: Annotated[
        str, matching(r"([a-z0-9]{3,24})?", "must be 3 to 24 lowercase letters and digits")
    ] = Field(
        default="",
        validate_default=True,
        description="Storage account on Azure. Required if OBJECT_STORE is azure.",
    )
    azure_storage_key: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="One of the two access keys of the account; it signs the URLs. Required if "
        "OBJECT_STORE is azure.",
    )
    azure_container: Annotated[
        str,
        matching(
            r"([a-z0-9](-?[a-z0-9]){2,62})?",
            "must be 3 to 63 lowercase letters, digits and single hyphens",
        ),
    ] = Field(
        default="",
        validate_default=True,
        description="Container that receives the uploads. Required if OBJECT_STORE is azure.",
    )
    azure_endpoint_url: Endpoint | None = Field(
        default=None,
        description="URL of the account's blob service, such as that of a sovereign cloud. "
        "Default: https://ACCOUNT.blob.core.windows.net.",
    )
    azure_public_endpoint_url: Endpoint | None = Field(
        default=None,
        description="URL at which clients reach the blob service, used in signed URLs only. "
        "Default: AZURE_ENDPOINT_URL.",
    )

    @field_validator("azure_storage_account", "azure_storage_key", "azure_container")
    @classmethod
    def _require_with_azure(cls, value: Any, info: ValidationInfo) -> Any:
        require_for_store("azure", value, info)
        return value

    @field_validator("azure_storage_key")
    @classmethod
    def _require_base64(cls, value: SecretStr) -> SecretStr:
        try:
            b64decode(value.get_secret_value(), validate=True)
        except Error:
            msg = "must be base64, as Azure shows it"
            raise ValueError(msg) from None
        return value
