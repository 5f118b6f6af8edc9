"""Invalid requests get the right status, error code and field name."""

from __future__ import annotations

import json
from typing import Final

import httpx
import pytest

from .upload import GIB, problem, wrong_fields

pytestmark = pytest.mark.e2e

SESSION: Final = {"user_id": "alice", "upload_id": "a" * 32, "key": "alice/a/b"}
BODIES: Final[dict[str, dict[str, object]]] = {
    "start-upload": {"user_id": "alice", "filename": "a.txt", "content_type": "text/plain"},
    "upload-part": {**SESSION, "part_number": 1, "etag": "0123456789abcdef0123456789abcdef"},
    "get-signed-urls": {"upload_id": "a" * 32, "key": "alice/a/b", "part_numbers": [1]},
    "upload-parts": {**SESSION, "parts": [{"part_number": 1, "etag": "e"}]},
    "complete-upload": {**SESSION},
    "abort-upload": {**SESSION},
}
QUERIES: Final[dict[str, dict[str, str]]] = {
    "get-signed-url": {"upload_id": "a" * 32, "key": "alice/a/b", "part_number": "1"},
    "upload-status": {"upload_id": "a" * 32, "key": "alice/a/b"},
    "list-parts": {"upload_id": "a" * 32, "key": "alice/a/b"},
    "uploads": {"user_id": "alice"},
}


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"user_id": "alice",}',
        b"[]",
        b'"text"',
        b"null",
        b"7",
        b"\xff\xfe",
        b'{"user_id": "\\ud800"}',
        pytest.param(b"[" * 60_000, id="deeply nested list"),
        pytest.param(b'{"user_id":' * 5_000, id="deeply nested object"),
    ],
)
def test_body_that_is_not_a_json_object_is_400(api: httpx.Client, route: str, body: bytes) -> None:
    response = api.post(f"/api/{route}", content=body, headers={"Content-Type": "application/json"})

    problem(response, 400, "malformed-request")


@pytest.mark.parametrize(
    ("route", "field"), [(route, field) for route, body in BODIES.items() for field in body]
)
@pytest.mark.parametrize("value", [None, [], {}], ids=json.dumps)
def test_a_field_of_another_type_is_named(
    api: httpx.Client, route: str, field: str, value: object
) -> None:
    response = api.post(f"/api/{route}", json={**BODIES[route], field: value})

    assert wrong_fields(response) == [field]


@pytest.mark.parametrize(
    ("route", "field"), [(route, field) for route, body in BODIES.items() for field in body]
)
def test_a_missing_field_is_named(api: httpx.Client, route: str, field: str) -> None:
    body = {name: value for name, value in BODIES[route].items() if name != field}

    assert wrong_fields(api.post(f"/api/{route}", json=body)) == [field]


@pytest.mark.parametrize(
    ("route", "field"), [(route, field) for route, query in QUERIES.items() for field in query]
)
def test_a_missing_query_parameter_is_named(api: httpx.Client, route: str, field: str) -> None:
    query = {name: value for name, value in QUERIES[route].items() if name != field}

    assert wrong_fields(api.get(f"/api/{route}", params=query)) == [field]


@pytest.mark.parametrize(
    ("route", "field", "value"),
    [
        ("start-upload", "user_id", ""),
        ("start-upload", "user_id", "u" * 129),
        ("start-upload", "user_id", "line\nbreak"),
        ("start-upload", "filename", ""),
        ("start-upload", "filename", "f" * 1025),
        ("start-upload", "content_type", "t/" + "t" * 254),
        ("start-upload", "content_type", "text"),
        ("start-upload", "content_type", "text/plain\r\nX-Evil: 1"),
        ("start-upload", "size", -1),
        ("start-upload", "size", 1.5),
        ("start-upload", "size", "many"),
        ("start-upload", "metadata", []),
        ("start-upload", "metadata", {str(n): "x" for n in range(33)}),
        ("start-upload", "metadata", {"key": "v" * 1022}),
        ("start-upload", "metadata", {"ke y": "v"}),
        ("start-upload", "metadata", {"k" * 65: "v"}),
        ("start-upload", "metadata", {"key": "line\nbreak"}),
        ("start-upload", "metadata", {"key": "v", "KEY": "v"}),
        ("start-upload", "metadata", {"multipart-upload-id": "forged"}),
        ("upload-part", "user_id", "u" * 129),
        ("upload-part", "upload_id", "i" * 65),
        ("upload-part", "key", "k" * 1025),
        ("upload-part", "part_number", 0),
        ("upload-part", "part_number", 10_001),
        ("upload-part", "part_number", -(2**70)),
        ("upload-part", "part_number", 1.5),
        ("upload-part", "etag", ""),
        ("upload-part", "etag", '"unclosed'),
        ("upload-part", "etag", "with space"),
        ("upload-part", "etag", "ünicode"),
        ("upload-part", "etag", 'a"b'),
        ("upload-part", "etag", "line\n"),
        ("upload-part", "etag", "e" * 129),
        ("upload-part", "size", -1),
        ("upload-part", "size", 5 * GIB + 1),
        ("complete-upload", "key", ""),
        ("complete-upload", "upload_id", ""),
        ("abort-upload", "user_id", ""),
    ],
)
def test_value_out_of_bounds_names_its_field(
    api: httpx.Client, route: str, field: str, value: object
) -> None:
    response = api.post(f"/api/{route}", json={**BODIES[route], field: value})

    assert wrong_fields(response) == [field]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ([], "part_numbers"),
        ("most", "part_numbers"),
        ([1] * 10_001, "part_numbers"),
        ([1, 0], "part_numbers[1]"),
        ([1, 2, 10_001], "part_numbers[2]"),
        (["3-5", "3-"], "part_numbers[1]"),
        (["1-2\n"], "part_numbers[0]"),
        ([1, 1.5], "part_numbers[1]"),
    ],
)
def test_invalid_part_numbers_are_named_by_position(
    api: httpx.Client, wrong: object, field: str
) -> None:
    response = api.post(
        "/api/get-signed-urls", json={**BODIES["get-signed-urls"], "part_numbers": wrong}
    )

    assert wrong_fields(response) == [field]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"etag": "e"}, "parts[1].part_number"),
        ({"part_number": 2}, "parts[1].etag"),
        ({"part_number": 0, "etag": "e"}, "parts[1].part_number"),
        ({"part_number": 2, "etag": ""}, "parts[1].etag"),
        ({"part_number": 2, "etag": "e", "size": 5 * GIB + 1}, "parts[1].size"),
    ],
)
def test_invalid_part_in_a_batch_is_named_by_position(
    api: httpx.Client, wrong: object, field: str
) -> None:
    parts = [{"part_number": 1, "etag": "e"}, wrong]
    response = api.post("/api/upload-parts", json={**BODIES["upload-parts"], "parts": parts})

    assert wrong_fields(response) == [field]


def test_metadata_value_that_is_not_a_string_names_metadata(api: httpx.Client) -> None:
    body = {**BODIES["start-upload"], "metadata": {"key": 3}}

    (field,) = wrong_fields(api.post("/api/start-upload", json=body))

    assert field.startswith("metadata")


@pytest.mark.parametrize(
    ("route", "field", "value"),
    [
        ("get-signed-url", "part_number", "0"),
        ("get-signed-url", "part_number", "10001"),
        ("get-signed-url", "part_number", "one"),
        ("get-signed-url", "content_length", "-1"),
        ("get-signed-url", "content_length", str(5 * GIB + 1)),
        ("get-signed-url", "content_length", "9" * 5_000),
        ("get-signed-url", "upload_id", "i" * 65),
        ("get-signed-url", "key", "k" * 1025),
        ("upload-status", "user_id", "u" * 129),
        ("list-parts", "upload_id", ""),
        ("uploads", "user_id", "u" * 129),
        ("uploads", "status", "finished"),
        ("uploads", "created_from", "yesterday"),
        ("uploads", "created_from", "2026-13-01T00:00:00Z"),
        ("uploads", "created_before", "2026-01-01"),
        ("uploads", "limit", "0"),
        ("uploads", "limit", "501"),
        ("uploads", "limit", "many"),
        ("uploads", "cursor", "x"),
        ("uploads", "cursor", "bm90IGEgdGltZQ=="),
        ("uploads", "cursor", "é"),
        ("uploads", "cursor", "c" * 513),
    ],
)
def test_a_wrong_query_parameter_is_named(
    api: httpx.Client, route: str, field: str, value: str
) -> None:
    response = api.get(f"/api/{route}", params={**QUERIES[route], field: value})

    assert wrong_fields(response) == [field]


@pytest.mark.parametrize(
    "query",
    [
        {"created_from": "9999-12-31T23:59:59-23:59"},
        {"created_before": "0001-01-01T00:00:00+23:59"},
        {"user_id": "a\x00b"},
        {"cursor": "OTk5OS0xMi0zMVQyMzo1OTo1OSswMDowMCBh"},
    ],
)
def test_extreme_times_and_texts_are_not_server_errors(
    each_api: httpx.Client, query: dict[str, str]
) -> None:
    response = each_api.get("/api/uploads", params={"user_id": "alice", **query})

    assert response.status_code in {200, 422}, response.text


@pytest.mark.parametrize("path", ["/", "/api", "/api/upload", "/api/start-upload/x", "/%00"])
def test_an_unknown_route_is_404(api: httpx.Client, path: str) -> None:
    problem(api.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/start-upload", "POST"),
        ("DELETE", "/api/complete-upload", "POST"),
        ("POST", "/api/get-signed-url", "GET"),
        ("POST", "/health/live", "GET"),
    ],
)
def test_a_wrong_method_is_405(api: httpx.Client, method: str, path: str, allowed: str) -> None:
    response = api.request(method, path)

    problem(response, 405, "method-not-allowed")
    assert allowed in response.headers["allow"].split(", ")
