"""The bucket that the settings name: its configuration, creation and CORS rule."""

from __future__ import annotations

from collections.abc import Sequence

from .adapters.s3 import S3Config, ensure_bucket
from .adapters.s3.cors import apply_cors
from .adapters.s3.cors_check import CorsReport, check_cors
from .domain.object_key import common_prefix
from .settings import Settings


def s3_config(settings: Settings) -> S3Config:
    """Build the configuration of the S3 adapter from the settings."""
    secret, token = settings.aws_secret_access_key, settings.aws_session_token
    return S3Config(
        bucket=settings.s3_bucket_name,
        region=settings.aws_region,
        access_key_id=settings.aws_access_key_id,
        secret_access_key=secret.get_secret_value() if secret else None,
        session_token=token.get_secret_value() if token else None,
        endpoint_url=settings.s3_endpoint_url,
        public_endpoint_url=settings.s3_public_endpoint_url,
        max_parts=settings.s3_max_parts,
        equal_part_sizes=settings.s3_equal_part_sizes,
    )


def describe_bucket(settings: Settings) -> str:
    """Name the bucket, its server or region, and its setting."""
    if settings.s3_endpoint_url is None:
        return f"{settings.s3_bucket_name} on AWS in {settings.aws_region} (S3_BUCKET_NAME)"
    return f"{settings.s3_bucket_name} at {settings.s3_endpoint_url} (S3_BUCKET_NAME)"


def describe_credentials(settings: Settings) -> str:
    """Name where the credentials come from."""
    has_key = settings.aws_access_key_id is not None
    return "AWS_ACCESS_KEY_ID" if has_key else "the usual AWS credential chain"


async def make_bucket(settings: Settings, allowed_origins: Sequence[str]) -> None:
    """Create the bucket if it does not exist, with the CORS rules that browsers need."""
    await ensure_bucket(s3_config(settings), allowed_origins)


async def apply_cors_rule(settings: Settings, allowed_origins: Sequence[str]) -> None:
    """Set the CORS rule that browsers need. Raise UploadError with the reason if that fails."""
    await apply_cors(s3_config(settings), allowed_origins)


async def check_cors_rule(settings: Settings, origins: Sequence[str]) -> CorsReport:
    """Report what the bucket denies to pages. Raise UploadError if that cannot be checked."""
    return await check_cors(s3_config(settings), origins, common_prefix(settings.s3_key_prefix))
