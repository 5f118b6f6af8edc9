"""Settings of the object store on S3."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    Field,
    SecretStr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings

from ..domain.limits import MAX_PART_COUNT
from .values import Endpoint, matching, require_for_store


class S3Settings(BaseSettings):
    """The bucket, its server and the credentials."""

    s3_bucket_name: Annotated[
        str,
        matching(
            r"[A-Za-z0-9._-]{3,63}",
            "must be 3 to 63 letters, digits, dots, hyphens and underscores",
        ),
    ] = Field(
        default="",
        validate_default=True,
        description="Bucket that receives the uploads. Required unless OBJECT_STORE names another "
        "store.",
    )
    aws_region: Annotated[
        str,
        matching(
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
    s3_endpoint_url: Endpoint | None = Field(
        default=None,
        description="URL of an S3-compatible store other than AWS, addressed in path style. "
        "Default: AWS, addressed in virtual-host style.",
    )
    s3_public_endpoint_url: Endpoint | None = Field(
        default=None,
        description="URL at which clients reach the store, used in signed URLs only. "
        "Default: S3_ENDPOINT_URL.",
    )
    s3_max_parts: int = Field(
        default=MAX_PART_COUNT,
        ge=1,
        le=MAX_PART_COUNT,
        description="Largest number of parts that the store accepts in one upload, "
        "such as 1000 for OpenStack Swift.",
    )
    s3_equal_part_sizes: bool = Field(
        default=False,
        description="Whether the store requires all parts but the last to have the same size, as "
        "Cloudflare R2 does.",
    )

    @field_validator("s3_bucket_name", mode="wrap")
    @classmethod
    def _require_bucket(
        cls, name: str, check: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> str:
        if name:
            return str(check(name))
        require_for_store("s3", name, info)
        return name

    @model_validator(mode="after")
    def _require_both_keys(self) -> Self:
        if (self.aws_access_key_id is None) != (self.aws_secret_access_key is None):
            msg = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: set both or neither"
            raise ValueError(msg)
        return self
