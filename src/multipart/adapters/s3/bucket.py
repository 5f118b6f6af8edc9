"""A bucket that browsers can upload to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from .client import S3Config, s3_client, s3_session
from .cors import put_our_rule
from .errors import QUICK_SECONDS, answered, ask, code_of

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.literals import BucketLocationConstraintType


async def ensure_bucket(config: S3Config, allowed_origins: Sequence[str] = ("*",)) -> None:
    """Make the bucket if it is not there, and let pages of these origins use signed URLs on it.

    Raise StoreUnavailableError if S3 is away, and StoreRefusedError if it refuses.
    """
    async with s3_client(s3_session(config), config) as client:
        async with answered(QUICK_SECONDS):
            if not await _exists(client, config.bucket):
                await _create(client, config)
        async with answered(QUICK_SECONDS):
            await put_our_rule(client, config.bucket, allowed_origins)


async def _exists(client: S3Client, bucket: str) -> bool:
    try:
        await ask(client.head_bucket(Bucket=bucket))
    except ClientError as exc:
        if code_of(exc) == "404":
            return False
        raise
    return True


async def _create(client: S3Client, config: S3Config) -> None:
    try:
        # AWS refuses to be told the name of the one region that it takes for granted.
        if config.region == "us-east-1":
            await ask(client.create_bucket(Bucket=config.bucket))
        else:
            region: BucketLocationConstraintType = config.region  # type: ignore[assignment]
            await ask(
                client.create_bucket(
                    Bucket=config.bucket, CreateBucketConfiguration={"LocationConstraint": region}
                )
            )
    except ClientError as exc:
        if code_of(exc) != "BucketAlreadyOwnedByYou":  # somebody was faster
            raise
