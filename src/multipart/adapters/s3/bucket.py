"""Create the bucket, and read its lifecycle rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from .client import S3Config, create_session, open_client
from .cors import write_upload_rule
from .errors import REQUEST_SECONDS, await_answer, error_code, require_fields, translate_errors

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.literals import BucketLocationConstraintType
    from types_aiobotocore_s3.type_defs import LifecycleRuleOutputTypeDef


async def ensure_bucket(config: S3Config, allowed_origins: Sequence[str] = ("*",)) -> None:
    """Create the bucket if it does not exist, and let pages of these origins upload to it.

    Raise StoreUnavailableError if S3 does not answer, and StoreRefusedError if it refuses.
    """
    async with open_client(create_session(config), config) as client:
        async with translate_errors(REQUEST_SECONDS):
            if not await _has_bucket(client, config.bucket):
                await _create_bucket(client, config)
        async with translate_errors(REQUEST_SECONDS):
            await write_upload_rule(client, config.bucket, allowed_origins)


async def find_abort_age(client: S3Client, bucket: str, prefix: str) -> timedelta | None:
    """Return the shortest age at which a lifecycle rule aborts every open upload under a prefix.

    None if no rule covers all of them. S3 does not combine AbortIncompleteMultipartUpload with
    tags: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
    """
    async with translate_errors(REQUEST_SECONDS):
        try:
            answer = await await_answer(client.get_bucket_lifecycle_configuration(Bucket=bucket))
        except ClientError as exc:
            if error_code(exc) == "NoSuchLifecycleConfiguration":
                return None
            raise
        with require_fields():
            days = [
                rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
                for rule in answer.get("Rules", [])
                if "AbortIncompleteMultipartUpload" in rule
                and rule["Status"] == "Enabled"
                and prefix.startswith(_rule_prefix(rule))
            ]
        return timedelta(days=min(days)) if days else None


async def _has_bucket(client: S3Client, bucket: str) -> bool:
    try:
        await await_answer(client.head_bucket(Bucket=bucket))
    except ClientError as exc:
        if error_code(exc) == "404":
            return False
        raise
    return True


async def _create_bucket(client: S3Client, config: S3Config) -> None:
    try:
        # AWS refuses the name of its default region.
        if config.region == "us-east-1":
            await await_answer(client.create_bucket(Bucket=config.bucket))
        else:
            region: BucketLocationConstraintType = config.region  # type: ignore[assignment]
            await await_answer(
                client.create_bucket(
                    Bucket=config.bucket, CreateBucketConfiguration={"LocationConstraint": region}
                )
            )
    except ClientError as exc:
        # Another process may have created it since _has_bucket.
        if error_code(exc) != "BucketAlreadyOwnedByYou":
            raise


def _rule_prefix(rule: LifecycleRuleOutputTypeDef) -> str:
    # Older configurations have the prefix in the rule itself instead of in its filter.
    where = rule.get("Filter", {})
    return where.get("And", {}).get("Prefix") or where.get("Prefix") or rule.get("Prefix", "")
