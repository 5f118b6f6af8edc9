"""Errors name all wrong fields at once, in plain words."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx
import pytest

from .companion import CompanionUpload, refusal
from .test_bad_input import BODIES, QUERIES
from .upload import Upload, answer, problem, wrong_fields

pytestmark = pytest.mark.e2e

# Wording of msgspec and Litestar, and characters of regular expressions.
NOT_FOR_PEOPLE: Final = re.compile(
    r"Expected|Object (missing|contains)|Invalid (enum|value)|matching regex|Validation failed"
    r"|\(\?|\\x|\]\+|\$\.|\^|`|Struct|msgspec|`"
)


def errors_of(response: httpx.Response) -> dict[str, str]:
    """Return the message per field of a 422; none may be a library's own wording."""
    found = problem(response, 422, "invalid-field")
    assert NOT_FOR_PEOPLE.search(response.text) is None, response.text
    messages = {error["field"]: error["message"] for error in found["errors"]}
    assert len(messages) == len(found["errors"])
    for field, message in list(messages.items())[:10]:
        assert f"{field}: {message}" in found["detail"]
    return messages


@pytest.mark.parametrize("route", BODIES)
def test_all_missing_fields_are_named(api: httpx.Client, route: str) -> None:
    errors = errors_of(api.post(f"/api/{route}", json={}))

    assert errors == dict.fromkeys(BODIES[route], "is required")


@pytest.mark.parametrize("route", QUERIES)
def test_all_missing_parameters_are_named(api: httpx.Client, route: str) -> None:
    errors = errors_of(api.get(f"/api/{route}"))

    assert errors == dict.fromkeys(QUERIES[route], "is required")


@pytest.mark.parametrize("route", BODIES)
def test_all_fields_of_another_type_are_named(api: httpx.Client, route: str) -> None:
    errors = errors_of(api.post(f"/api/{route}", json=dict.fromkeys(BODIES[route])))

    assert errors.keys() == BODIES[route].keys()


def test_all_wrong_fields_of_a_start_are_named(api: httpx.Client) -> None:
    body = {
        "user_id": "a\u202eb",
        "filename": "",
        "content_type": "film",
        "size": "5",
        "metadata": {"a b": "c"},
        "colour": "red",
    }
    response = api.post("/api/start-upload", json=body, headers={"Idempotency-Key": "short"})

    assert errors_of(response) == {
        "Idempotency-Key": "must be 16 to 255 visible ASCII characters, such as a UUID",
        "filename": "must be text of 1 to 1,024 characters",
        "content_type": "must be of the form type/subtype, such as video/mp4, or empty",
        "size": "must be a whole number, 0 or more",
        "colour": "is not known here; the fields are user_id, filename, content_type, size, "
        "metadata, checksum_crc64nvme",
        "user_id": "must have no control characters",
        "metadata": "keys must be 1 to 64 letters, digits, '.', '_' or '-', "
        "the first a letter or digit",
    }


def test_all_violated_rules_of_the_domain_are_named(api: httpx.Client) -> None:
    body = {**BODIES["start-upload"], "user_id": "a\nb", "metadata": {"key": "a\nb"}}

    assert errors_of(api.post("/api/start-upload", json=body)).keys() == {"user_id", "metadata"}


def test_etag_format_is_described_in_words(api: httpx.Client) -> None:
    body = {**BODIES["upload-part"], "part_number": 0, "etag": "a b", "size": -1}

    errors = errors_of(api.post("/api/upload-part", json=body))

    assert errors.keys() == {"part_number", "etag", "size"}
    assert errors["part_number"] == "must be a whole number from 1 to 10,000"
    assert "32 hex characters" in errors["etag"]
    assert "with or without quotes" in errors["etag"]


def test_all_wrong_parameters_are_named(api: httpx.Client) -> None:
    query = {"part_number": "one", "content_length": "-1", "upload_id": "", "key": "k" * 1025}

    assert errors_of(api.get("/api/get-signed-url", params=query)) == {
        "upload_id": "must be text of 1 to 64 characters without NUL",
        "key": "must be text of 1 to 1,024 characters without NUL",
        "part_number": "must be a whole number from 1 to 10,000",
        "content_length": "must be a whole number from 0 to 5,368,709,120",
    }


def test_allowed_values_are_listed(api: httpx.Client) -> None:
    errors = errors_of(api.get("/api/uploads", params={"user_id": "alice", "status": "done"}))

    assert errors == {
        "status": "must be one of pending, initiated, in-progress, completing, aborting, "
        "completed, aborted, expired"
    }


def test_all_wrong_filters_of_a_list_are_named(api: httpx.Client) -> None:
    query = {"created_from": "2026-02-30T00:00:00Z", "created_before": "2026-02-31T00:00:00Z"}
    response = api.get("/api/uploads", params={"user_id": "alice", "cursor": "x", **query})

    assert errors_of(response).keys() == {"created_from", "created_before", "cursor"}


def test_all_wrong_parts_of_a_batch_are_named(api: httpx.Client) -> None:
    parts: list[Any] = [{"part_number": 1, "etag": "e"}, {"etag": "", "size": -1}, 5, {"x": 1}]
    response = api.post("/api/upload-parts", json={**BODIES["upload-parts"], "parts": parts})

    assert errors_of(response).keys() == {
        "parts[1].part_number",
        "parts[1].etag",
        "parts[1].size",
        "parts[2]",
        "parts[3].part_number",
        "parts[3].etag",
        "parts[3].x",
    }


def test_all_parts_outside_the_plan_are_named(api: httpx.Client) -> None:
    upload = Upload.start(api, size=17 * 2**20)
    parts = [
        {"part_number": 1, "etag": "e", "size": 8 * 2**20},
        {"part_number": 2, "etag": "e", "size": 1},
        {"part_number": 4, "etag": "e"},
    ]
    record = api.post("/api/upload-parts", json={**upload.reference, "parts": parts})
    sign = api.post(
        "/api/get-signed-urls", json={**upload.identity, "part_numbers": [1, 4, "2-3", "3-2"]}
    )

    assert errors_of(record) == {
        "parts[1].size": "part 2 of this upload has 8388608 bytes",
        "parts[2].part_number": "must be 1 to 3",
    }
    assert errors_of(sign).keys() == {"part_numbers[1]", "part_numbers[3]"}
    assert answer(upload.status())["parts_recorded"] == 0


def test_batch_names_at_most_a_hundred_wrong_parts(api: httpx.Client) -> None:
    body = {**BODIES["upload-parts"], "parts": [{}] * 10_000}

    response = api.post("/api/upload-parts", json=body)

    assert len(errors_of(response)) == 100
    assert problem(response, 422, "invalid-field")["detail"].endswith("; and more")


@pytest.mark.parametrize("route", BODIES)
def test_an_unknown_field_is_refused(api: httpx.Client, route: str) -> None:
    body = {**BODIES[route], "part_nubmer": 1}

    errors = errors_of(api.post(f"/api/{route}", json=body))

    assert errors.keys() == {"part_nubmer"}
    assert all(name in errors["part_nubmer"] for name in BODIES[route])


def test_unknown_field_name_is_escaped_and_shortened(api: httpx.Client) -> None:
    for name, shown in (("a\u202eb\n", "a\\u202eb\\n"), ("x" * 5000, "x" * 64 + "...")):
        response = api.post("/api/complete-upload", json={**BODIES["complete-upload"], name: 1})

        assert wrong_fields(response) == [shown]


def test_numbers_must_be_json_numbers(api: httpx.Client) -> None:
    for wrong in ("1", True, 1.5, None, [1]):
        body = {**BODIES["upload-part"], "part_number": wrong}

        assert wrong_fields(api.post("/api/upload-part", json=body)) == ["part_number"]


def test_repeated_field_is_refused_when_one_value_is_wrong(api: httpx.Client) -> None:
    content = b'{"user_id": 5, "user_id": "a", "upload_id": "a", "key": "k"}'
    response = api.post(
        "/api/complete-upload", content=content, headers={"Content-Type": "application/json"}
    )

    assert wrong_fields(response) == ["body"]


def test_companion_gets_all_wrong_fields_in_its_own_format(api: httpx.Client) -> None:
    upload = CompanionUpload.create(api)
    body = {"parts": [{"PartNumber": "1"}, {"ETag": 5, "PartNumber": 0}]}
    response = api.post(f"{upload.path}/complete", json=body)

    refused = refusal(response, 400, "invalid-field")

    assert NOT_FOR_PEOPLE.search(response.text) is None
    assert [error["field"] for error in refused["errors"]] == [
        "key",
        "parts[0].PartNumber",
        "parts[0].ETag",
        "parts[1].PartNumber",
        "parts[1].ETag",
    ]


def test_companion_ignores_unknown_fields(api: httpx.Client) -> None:
    CompanionUpload.create(api, protocol="s3", companionUrl="x")


REPEATED: Final = [
    (route, name) for route, query in QUERIES.items() for name in [*query, "user_id"]
] + [("get-signed-url", "content_length"), ("uploads", "limit"), ("uploads", "cursor")]


@pytest.mark.parametrize(("route", "name"), sorted({*REPEATED}))
@pytest.mark.parametrize("spelling", ["plain", "escaped"])
def test_a_repeated_parameter_is_named(
    api: httpx.Client, route: str, name: str, spelling: str
) -> None:
    query = {**QUERIES[route], name: QUERIES[route].get(name, "7")}
    again = f"%{ord(name[0]):02x}{name[1:]}" if spelling == "escaped" else name
    text = "&".join([*(f"{key}={value}" for key, value in query.items()), f"{again}=7"])

    errors = errors_of(api.get(f"/api/{route}?{text}"))

    assert errors == {name: "is given 2 times, must be given once"}


def test_list_parameter_may_repeat(api: httpx.Client) -> None:
    upload = Upload.start(api)
    query = {"user_id": upload.user_id, "status": ["initiated", "completed"]}

    assert len(answer(api.get("/api/uploads", params=query))["uploads"]) == 1


def test_list_that_is_too_long_is_named_with_its_limit(api: httpx.Client) -> None:
    response = api.get("/api/uploads", params={"user_id": "a", "status": ["initiated"] * 9})

    assert errors_of(response) == {"status": "must be given 8 times at most"}


def test_a_repeated_idempotency_key_is_named(api: httpx.Client) -> None:
    headers = [("Idempotency-Key", "a" * 20), ("Idempotency-Key", "b" * 20)]
    response = api.post("/api/start-upload", json=BODIES["start-upload"], headers=headers)

    assert errors_of(response).keys() == {"Idempotency-Key"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/s3/params?filename=a&filename=b", "filename"),
        ("/s3/params?filename=a&type=a/b&type=a/c", "type"),
        ("/s3/params?filename=a&metadata[x]=1&metadata[x]=2", "metadata[x]"),
        ("/s3/multipart/u?key=a&key=b", "key"),
        ("/s3/multipart/u/1?key=a&key=b", "key"),
        ("/s3/multipart/u/batch?key=a&partNumbers=1&partNumbers=2", "partNumbers"),
    ],
)
def test_companion_names_a_repeated_parameter(api: httpx.Client, path: str, field: str) -> None:
    refused = refusal(api.get(path), 400, "invalid-field")

    assert [error["field"] for error in refused["errors"]] == [field]


def test_the_user_is_compared_when_signing(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api)
    body = {**upload.identity, "part_numbers": [1]}

    for user_id, status in ((upload.user_id, 200), ("eve", 404)):
        one = each_api.get(
            "/api/get-signed-url",
            params={**upload.identity, "part_number": 1, "user_id": user_id},
        )
        many = each_api.post("/api/get-signed-urls", json={**body, "user_id": user_id})
        assert (one.status_code, many.status_code) == (status, status)
        if status != 200:
            problem(one, 404, "upload-not-found")
            problem(many, 404, "upload-not-found")
            assert "signed_url" not in one.text + many.text
