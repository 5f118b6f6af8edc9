"""Write and check the rules by which browsers may use a bucket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ...domain.errors import UploadError
from .client import S3Config, s3_client, s3_session
from .cors_rules import complaints, with_our_rule
from .errors import QUICK_SECONDS, answered, code_of

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_NO_RULES: Final = "NoSuchCORSConfiguration"
_HINTS: Final[Mapping[str, str]] = {
    "AccessDenied": "the credentials need s3:GetBucketCORS, and s3:PutBucketCORS to apply",
    "NoSuchBucket": "there is no such bucket",
    "NotImplemented": "the store has no rules of a bucket's own; see its server's settings",
}


async def apply_cors(config: S3Config, origins: Sequence[str]) -> None:
    """Let pages of these origins use signed URLs on the bucket; rules of others stay.

    Raise UploadError, which says why, if S3 refuses or is away.
    """
    async with s3_client(s3_session(config), config) as client, _refusals_told(config.bucket):
        await put_our_rule(client, config.bucket, origins)


async def check_cors(config: S3Config, origins: Sequence[str]) -> list[str]:
    """Say in sentences what the bucket keeps pages of these origins from; none if nothing.

    Raise UploadError, which says why, if S3 does not tell its rules.
    """
    async with s3_client(s3_session(config), config) as client, _refusals_told(config.bucket):
        return complaints(await _rules(client, config.bucket), origins)


async def put_our_rule(client: S3Client, bucket: str, origins: Sequence[str]) -> None:
    """Put our rule in front of the bucket's others."""
    rules = with_our_rule(await _rules(client, bucket), origins)
    await client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})


async def _rules(client: S3Client, bucket: str) -> Sequence[Mapping[str, Any]]:
    try:
        return (await client.get_bucket_cors(Bucket=bucket)).get("CORSRules", [])
    except ClientError as exc:
        if code_of(exc) == _NO_RULES:
            return []
        raise


@asynccontextmanager
async def _refusals_told(bucket: str) -> AsyncIterator[None]:
    """Name S3's own reason: whoever runs a command may know it, other than a client."""
    async with answered(QUICK_SECONDS):
        try:
            yield
        except ClientError as exc:
            code = code_of(exc)
            hint = f" ({_HINTS[code]})" if code in _HINTS else ""
            msg = f"S3 refuses {exc.operation_name} on the bucket {bucket}: {code}{hint}."
            raise UploadError(msg) from exc
