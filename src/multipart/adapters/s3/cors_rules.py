"""What a bucket's CORS rules let a page do, and what it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .browser import SENT_HEADER

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CORSRuleTypeDef

RULE_ID: Final = "multipart-upload"

_Rule = Mapping[str, Any]
METHODS: Final = ("PUT", "POST", "GET")
"""PUT for parts, POST for files in one request, GET to show what was uploaded."""
EXPOSED: Final[Mapping[str, str]] = {"PUT": "ETag", "POST": "Location"}
WHY: Final[Mapping[str, str]] = {
    "ETag": "a page cannot tell which part was stored, and Uppy 5 waits without end",
    "Location": "a page cannot tell where its file is",
}


def with_our_rule(rules: Sequence[_Rule], origins: Sequence[str]) -> list[CORSRuleTypeDef]:
    """Give the rules with ours in front, in place of an older one of ours.

    In front because S3 goes by the first rule that fits; the others stay as they are.
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


def find_rule(rules: Sequence[_Rule], origin: str, method: str) -> _Rule | None:
    """Give the rule that S3 goes by, the first that fits."""
    return next((rule for rule in rules if _fits(rule, origin, method)), None)


def what_keeps_out(rules: Sequence[_Rule], origin: str, method: str) -> str | None:
    """Say why pages of an origin cannot send such requests; None if the rules let them."""
    if (rule := find_rule(rules, origin, method)) is None:
        return f"No rule allows {method} from {origin}."
    if not _matches(rule.get("AllowedHeaders", []), SENT_HEADER):
        return (
            f"The first rule for {method} from {origin} does not allow the header {SENT_HEADER}: "
            "browsers refuse to send it."
        )
    return None


def exposes(rule: _Rule, header: str) -> bool:
    """Tell whether a page may read this header of the answers."""
    return _matches(rule.get("ExposeHeaders", []), header)


def _fits(rule: _Rule, origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and _matches(rule["AllowedOrigins"], origin)


def _matches(patterns: Sequence[str], text: str) -> bool:
    """Tell whether one of the patterns, in which * stands for any run of characters, fits."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.lower().split("*"))), text.lower())
        for pattern in patterns
    )
