"""The CORS rule that lets pages upload to the bucket."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from ...domain.errors import UploadError
from .browser import SENT_HEADER
from .client import S3Config, create_session, open_client
from .errors import REQUEST_SECONDS, await_answer, error_code, translate_errors

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import CORSRuleTypeDef

Rule = Mapping[str, Any]

RULE_ID: Final = "multipart-upload"
METHODS: Final = ("PUT", "POST", "GET")
"""PUT for parts, POST for files in one request, GET to show what was uploaded."""
EXPOSED_HEADERS: Final[Mapping[str, str]] = {"PUT": "ETag", "POST": "Location"}
"""The response header that pages read, by the method of the request."""
WHY_EXPOSED: Final[Mapping[str, str]] = {
    "ETag": "a page does not learn which part was stored, and Uppy 5 never finishes",
    "Location": "a page does not learn where its file is",
}
_UNKNOWN_CALL: Final = frozenset({"NotImplemented", "MethodNotAllowed"})
_HINTS: Final[Mapping[str, str]] = {
    "AccessDenied": "the credentials need s3:GetBucketCORS, and s3:PutBucketCORS to apply",
    "NoSuchBucket": "there is no such bucket",
    "NotImplemented": "the store has no CORS rules per bucket; see the settings of its server",
}


class CorsRefusedError(UploadError):
    """The store refuses to read or write CORS rules; `s3_code` is its reason."""

    def __init__(self, operation: str, bucket: str, code: str) -> None:
        hint = f" ({_HINTS[code]})" if code in _HINTS else ""
        super().__init__(f"S3 refuses {operation} on the bucket {bucket}: {code}{hint}.")
        self.s3_code = code

    @property
    def leaves_rules_unknown(self) -> bool:
        """Whether pages may still be able to use the bucket."""
        return self.is_unknown_call or self.s3_code == "AccessDenied"

    @property
    def is_unknown_call(self) -> bool:
        """Whether the store has no CORS rules per bucket."""
        return self.s3_code in _UNKNOWN_CALL


async def apply_cors(config: S3Config, origins: Sequence[str]) -> None:
    """Let pages of these origins upload to the bucket, and keep its other rules.

    Raise UploadError with the reason if S3 refuses or does not answer.
    """
    async with (
        open_client(create_session(config), config) as client,
        _report_refusals(config.bucket),
    ):
        await write_upload_rule(client, config.bucket, origins)


async def read_rules(client: S3Client, bucket: str) -> Sequence[Rule]:
    """Read the rules; empty if there are none. Raise UploadError with the reason."""
    async with _report_refusals(bucket):
        return await _get_rules(client, bucket)


async def find_write_refusal(client: S3Client, bucket: str) -> CorsRefusedError | None:
    """Return why the store would refuse a rule, without changing a bucket that has no rules.

    MinIO answers that a bucket has no rules, but has no call to write them.
    """
    try:
        async with _report_refusals(bucket):
            # A store that knows the call refuses an empty list as malformed.
            await await_answer(
                client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": []})
            )
    except CorsRefusedError as exc:
        return exc if exc.leaves_rules_unknown else None
    return None


async def write_upload_rule(client: S3Client, bucket: str, origins: Sequence[str]) -> None:
    """Put our rule in front of the bucket's other rules."""
    rules = add_upload_rule(await _get_rules(client, bucket), origins)
    await await_answer(
        client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    )


def add_upload_rule(rules: Sequence[Rule], origins: Sequence[str]) -> list[CORSRuleTypeDef]:
    """Return the rules with ours in front, replacing an older version of it.

    In front because S3 applies the first rule that matches; the others stay unchanged.
    """
    ours: CORSRuleTypeDef = {
        "ID": RULE_ID,
        "AllowedOrigins": list(origins),
        "AllowedMethods": [*METHODS, "HEAD"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "Location"],
        "MaxAgeSeconds": 3000,
    }
    others: Any = [rule for rule in rules if rule.get("ID") != RULE_ID]
    return [ours, *others]


def find_rule(rules: Sequence[Rule], origin: str, method: str) -> Rule | None:
    """Return the rule that S3 applies: the first that matches."""
    return next((rule for rule in rules if _applies(rule, origin, method)), None)


def explain_refusal(rules: Sequence[Rule], origin: str, method: str) -> str | None:
    """Say why pages of an origin cannot send such requests; None if the rules allow them."""
    if (rule := find_rule(rules, origin, method)) is None:
        return f"No rule allows {method} from {origin}."
    if not _matches(rule.get("AllowedHeaders", []), SENT_HEADER):
        return (
            f"The first rule for {method} from {origin} does not allow the header {SENT_HEADER}: "
            "browsers refuse to send it."
        )
    return None


def is_exposed(rule: Rule, header: str) -> bool:
    """Return whether a page may read this header of the responses."""
    return _matches(rule.get("ExposeHeaders", []), header)


def _applies(rule: Rule, origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and _matches(rule["AllowedOrigins"], origin)


def _matches(patterns: Sequence[str], text: str) -> bool:
    """Return whether one of the patterns matches, in which * stands for any characters."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.lower().split("*"))), text.lower())
        for pattern in patterns
    )


async def _get_rules(client: S3Client, bucket: str) -> Sequence[Rule]:
    try:
        return (await await_answer(client.get_bucket_cors(Bucket=bucket))).get("CORSRules", [])
    except ClientError as exc:
        if error_code(exc) == "NoSuchCORSConfiguration":
            return []
        raise


@asynccontextmanager
async def _report_refusals(bucket: str) -> AsyncIterator[None]:
    """Raise CorsRefusedError with S3's reason, which the operator of a command may see."""
    async with translate_errors(REQUEST_SECONDS):
        try:
            yield
        except ClientError as exc:
            raise CorsRefusedError(exc.operation_name, bucket, error_code(exc)) from exc
