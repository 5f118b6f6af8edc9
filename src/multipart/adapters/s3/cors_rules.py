"""What a bucket's CORS rules let a page do, and what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CORSRuleTypeDef

RULE_ID: Final = "multipart-upload"

_Rule = Mapping[str, Any]
# PUT for parts, POST for files in one request, GET to show what was uploaded.
_METHODS: Final = ("PUT", "POST", "GET")
_EXPOSED: Final[Mapping[str, str]] = {"PUT": "ETag", "POST": "Location"}
_WHY: Final[Mapping[str, str]] = {
    "ETag": "a page cannot tell which part was stored, and Uppy 5 waits for ever",
    "Location": "a page cannot tell where its file is",
}
# Browsers send it with every slice of a file that has a type.
_SENT_HEADER: Final = "content-type"


def with_our_rule(rules: Sequence[_Rule], origins: Sequence[str]) -> list[CORSRuleTypeDef]:
    """Give the rules with ours in front, in place of an older one of ours.

    In front because S3 goes by the first rule that fits; the others stay as they are.
    """
    ours: CORSRuleTypeDef = {
        "ID": RULE_ID,
        "AllowedOrigins": list(origins),
        "AllowedMethods": [*_METHODS, "HEAD"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "Location"],
        "MaxAgeSeconds": 3000,
    }
    others: Any = [rule for rule in rules if rule.get("ID") != RULE_ID]
    return [ours, *others]


def complaints(rules: Sequence[_Rule], origins: Sequence[str]) -> list[str]:
    """Say in sentences what pages of these origins cannot do; none if they can do all they need."""
    if not rules:
        return ["The bucket has no CORS rules: no page can send it anything."]
    return [
        complaint
        for origin in origins
        for method in _METHODS
        for complaint in _complaints(rules, origin, method)
    ]


def _complaints(rules: Sequence[_Rule], origin: str, method: str) -> Iterator[str]:
    found = next((rule for rule in rules if _fits(rule, origin, method)), None)
    if found is None:
        yield f"No rule allows {method} from {origin}."
        return
    name = f"The first rule for {method} from {origin}"
    if not _matches(found.get("AllowedHeaders", []), _SENT_HEADER):
        yield f"{name} does not allow the header {_SENT_HEADER}: browsers refuse to send."
    header = _EXPOSED.get(method)
    if header and header.lower() not in map(str.lower, found.get("ExposeHeaders", [])):
        yield f"{name} does not expose {header}: {_WHY[header]}."


def _fits(rule: _Rule, origin: str, method: str) -> bool:
    return method in rule["AllowedMethods"] and _matches(rule["AllowedOrigins"], origin)


def _matches(patterns: Sequence[str], text: str) -> bool:
    """Tell whether one of the patterns, in which * stands for any run of characters, fits."""
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.lower().split("*"))), text.lower())
        for pattern in patterns
    )
