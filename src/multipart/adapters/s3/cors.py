"""Read and write the rules by which browsers may use a bucket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ...domain.errors import UploadError
from .client import S3Config, s3_client, s3_session
from .cors_rules import with_our_rule
from .errors import QUICK_SECONDS, answered, ask, code_of

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

_NO_RULES: Final = "NoSuchCORSConfiguration"
_UNKNOWN_CALL: Final = frozenset({"NotImplemented", "MethodNotAllowed"})
_HINTS: Final[Mapping[str, str]] = {
    "AccessDenied": "the credentials need s3:GetBucketCORS, and s3:PutBucketCORS to apply",
    "NoSuchBucket": "there is no such bucket",
    "NotImplemented": "the store has no rules of a bucket's own; see its server's settings",
}


class CorsRefusedError(UploadError):
    """The store refuses to read or write rules; `code` is its own reason."""

    def __init__(self, operation: str, bucket: str, code: str) -> None:
        hint = f" ({_HINTS[code]})" if code in _HINTS else ""
        super().__init__(f"S3 refuses {operation} on the bucket {bucket}: {code}{hint}.")
        self.s3_code = code

    @property
    def leaves_rules_unknown(self) -> bool:
        """Tell whether the bucket may be used all the same."""
        return self.is_unknown_call or self.s3_code == "AccessDenied"

    @property
    def is_unknown_call(self) -> bool:
        """Tell whether the store has no rules of a bucket's own."""
        return self.s3_code in _UNKNOWN_CALL


async def apply_cors(config: S3Config, origins: Sequence[str]) -> None:
    """Let pages of these origins use signed URLs on the bucket; rules of others stay.

    Raise UploadError, which says why, if S3 refuses or is away.
    """
    async with s3_client(s3_session(config), config) as client, _refusals_told(config.bucket):
        await put_our_rule(client, config.bucket, origins)


async def bucket_rules(client: S3Client, bucket: str) -> Sequence[Mapping[str, Any]]:
    """Read the rules, none if there are none. Raise UploadError, which says why not."""
    async with _refusals_told(bucket):
        return await _rules(client, bucket)


async def refusal_to_write(client: S3Client, bucket: str) -> CorsRefusedError | None:
    """Say why the store takes no rules for a bucket that has none; none are written.

    MinIO answers that there are none, and knows no call that writes them.
    """
    try:
        async with _refusals_told(bucket):
            # No rules are not well-formed, which a store that knows the call says.
            await ask(client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": []}))
    except CorsRefusedError as exc:
        return exc if exc.leaves_rules_unknown else None
    return None


async def put_our_rule(client: S3Client, bucket: str, origins: Sequence[str]) -> None:
    """Put our rule in front of the bucket's others."""
    rules = with_our_rule(await _rules(client, bucket), origins)
    await ask(client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules}))


async def _rules(client: S3Client, bucket: str) -> Sequence[Mapping[str, Any]]:
    try:
        return (await ask(client.get_bucket_cors(Bucket=bucket))).get("CORSRules", [])
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
            raise CorsRefusedError(exc.operation_name, bucket, code_of(exc)) from exc
