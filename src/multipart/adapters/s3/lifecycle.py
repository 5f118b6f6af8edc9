"""What the bucket's lifecycle rules do to open uploads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from .errors import QUICK_SECONDS, answered, ask, code_of, reading

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import LifecycleRuleOutputTypeDef

_NO_RULES: Final = "NoSuchLifecycleConfiguration"


async def abort_rule(client: S3Client, bucket: str, prefix: str) -> timedelta | None:
    """Give the shortest life that a rule leaves to every open upload under a prefix.

    None if no rule covers all of them. S3 does not combine AbortIncompleteMultipartUpload with
    tags: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
    """
    async with answered(QUICK_SECONDS):
        try:
            answer = await ask(client.get_bucket_lifecycle_configuration(Bucket=bucket))
        except ClientError as exc:
            if code_of(exc) == _NO_RULES:
                return None
            raise
        with reading():
            days = [
                rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
                for rule in answer.get("Rules", [])
                if "AbortIncompleteMultipartUpload" in rule
                and rule["Status"] == "Enabled"
                and prefix.startswith(_prefix_of(rule))
            ]
        return timedelta(days=min(days)) if days else None


def _prefix_of(rule: LifecycleRuleOutputTypeDef) -> str:
    # Older configurations have the prefix beside the filter instead of in it.
    found = rule.get("Filter", {})
    return found.get("And", {}).get("Prefix") or found.get("Prefix") or rule.get("Prefix", "")
