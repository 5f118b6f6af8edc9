"""What a bucket's CORS rules lack, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from multipart_upload.adapters.s3.cors_rules import (
    EXPOSED,
    METHODS,
    RULE_ID,
    exposes,
    find_rule,
    what_keeps_out,
    with_our_rule,
)

APP = "https://app.example.org"
GOOD: Mapping[str, Any] = {
    "AllowedOrigins": [APP],
    "AllowedMethods": ["PUT", "POST", "GET"],
    "AllowedHeaders": ["Content-Type"],
    "ExposeHeaders": ["etag", "Location"],
}


def complaints(rules: Sequence[Mapping[str, Any]], origins: Sequence[str]) -> list[str]:
    found = []
    for origin in origins:
        for method in METHODS:
            rule, header = find_rule(rules, origin, method), EXPOSED.get(method)
            found.append(what_keeps_out(rules, origin, method) or "")
            if rule is not None and header is not None and not exposes(rule, header):
                found.append(f"{method} does not expose {header}")
    return [complaint for complaint in found if complaint]


def wrong(**changes: Sequence[str]) -> list[str]:
    return complaints([{**GOOD, **changes}], [APP])


def test_what_browsers_need_is_enough() -> None:
    assert wrong() == []


def test_our_own_rule_is_enough() -> None:
    assert complaints(with_our_rule([], [APP]), [APP]) == []


@pytest.mark.parametrize("pattern", ["*", "https://*.example.org", "HTTPS://app.example.org"])
def test_an_origin_may_be_a_pattern(pattern: str) -> None:
    assert wrong(AllowedOrigins=[pattern]) == []


def test_a_dot_in_an_origin_is_a_dot() -> None:
    assert wrong(AllowedOrigins=["https://appXexample.org"]) != []


def test_without_rules_nobody_is_let_in() -> None:
    assert len(complaints([], [APP])) == len(METHODS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"AllowedOrigins": ["https://other.example.org"]}, ["PUT", APP]),
        ({"AllowedMethods": ["GET", "POST"]}, ["No rule allows PUT", APP]),
        ({"AllowedMethods": ["GET", "PUT"]}, ["No rule allows POST", APP]),
        ({"AllowedMethods": ["PUT", "POST"]}, ["No rule allows GET", APP]),
        ({"AllowedHeaders": []}, ["content-type"]),
        ({"ExposeHeaders": ["Location"]}, ["PUT", "ETag"]),
        ({"ExposeHeaders": ["ETag"]}, ["POST", "Location"]),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, Sequence[str]], words: list[str]) -> None:
    said = "\n".join(wrong(**changes))
    assert [word for word in words if word not in said] == []


def test_every_origin_is_looked_at() -> None:
    said = complaints([GOOD], [APP, "https://other.example.org"])
    assert said
    assert all("https://other.example.org" in complaint for complaint in said)


def test_the_first_rule_that_fits_is_the_one_that_counts() -> None:
    silent = {**GOOD, "ExposeHeaders": []}
    assert complaints([silent, GOOD], [APP]) != []
    assert complaints([GOOD, silent], [APP]) == []


def test_our_rule_goes_before_others_and_replaces_itself() -> None:
    others = [{**GOOD, "ID": "theirs"}]
    once = with_our_rule(others, ["https://old.example.org"])
    twice = with_our_rule(once, [APP])
    assert [rule.get("ID") for rule in twice] == [RULE_ID, "theirs"]
    assert twice[0]["AllowedOrigins"] == [APP]
    assert twice[1] == others[0]
