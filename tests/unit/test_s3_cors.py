"""The CORS rule that pages need, and the sentences about what a bucket's rules lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from multipart_upload.adapters.s3.cors import (
    EXPOSED_HEADERS,
    METHODS,
    RULE_ID,
    add_upload_rule,
    explain_refusal,
    find_rule,
    is_exposed,
)

APP = "https://app.example.org"
GOOD: Mapping[str, Any] = {
    "AllowedOrigins": [APP],
    "AllowedMethods": ["PUT", "POST", "GET"],
    "AllowedHeaders": ["Content-Type"],
    "ExposeHeaders": ["etag", "Location"],
}


def find_problems(rules: Sequence[Mapping[str, Any]], origins: Sequence[str]) -> list[str]:
    problems = []
    for origin in origins:
        for method in METHODS:
            rule, header = find_rule(rules, origin, method), EXPOSED_HEADERS.get(method)
            problems.append(explain_refusal(rules, origin, method) or "")
            if rule is not None and header is not None and not is_exposed(rule, header):
                problems.append(f"{method} does not expose {header}")
    return [problem for problem in problems if problem]


def find_problems_after(**changes: Sequence[str]) -> list[str]:
    return find_problems([{**GOOD, **changes}], [APP])


def test_a_rule_with_what_browsers_need_is_enough() -> None:
    assert find_problems_after() == []


def test_our_own_rule_is_enough() -> None:
    assert find_problems(add_upload_rule([], [APP]), [APP]) == []


@pytest.mark.parametrize("pattern", ["*", "https://*.example.org", "HTTPS://app.example.org"])
def test_an_origin_may_be_a_pattern(pattern: str) -> None:
    assert find_problems_after(AllowedOrigins=[pattern]) == []


def test_a_dot_in_an_origin_is_a_dot() -> None:
    assert find_problems_after(AllowedOrigins=["https://appXexample.org"]) != []


def test_without_rules_every_method_is_refused() -> None:
    assert len(find_problems([], [APP])) == len(METHODS)


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
def test_the_problem_names_what_is_missing(
    changes: dict[str, Sequence[str]], words: list[str]
) -> None:
    problems = "\n".join(find_problems_after(**changes))
    assert [word for word in words if word not in problems] == []


def test_every_origin_is_checked() -> None:
    problems = find_problems([GOOD], [APP, "https://other.example.org"])
    assert problems
    assert all("https://other.example.org" in problem for problem in problems)


def test_the_first_rule_that_matches_applies() -> None:
    silent = {**GOOD, "ExposeHeaders": []}
    assert find_problems([silent, GOOD], [APP]) != []
    assert find_problems([GOOD, silent], [APP]) == []


def test_our_rule_comes_first_and_replaces_an_older_version() -> None:
    others = [{**GOOD, "ID": "theirs"}]
    once = add_upload_rule(others, ["https://old.example.org"])
    twice = add_upload_rule(once, [APP])
    assert [rule.get("ID") for rule in twice] == [RULE_ID, "theirs"]
    assert twice[0]["AllowedOrigins"] == [APP]
    assert twice[1] == others[0]
