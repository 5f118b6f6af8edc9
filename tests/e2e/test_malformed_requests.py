"""Requests with invalid bytes, hosts, times or cursors."""

from __future__ import annotations

import socket
from base64 import urlsafe_b64encode
from typing import Final

import httpx
import pytest

from tests.patience import PATIENCE_SECONDS

from .companion import CompanionUpload, refusal
from .service import Service
from .test_bad_input import BODIES
from .upload import problem, wrong_fields

pytestmark = pytest.mark.e2e

JSON: Final = {"Content-Type": "application/json"}
NOT_UTF_8: Final = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82", b"\xf5\x80\x80\x80")
REQUESTS: Final = (
    b"GET /api/uploads",
    b"GET /api/upload-status?upload_id=a",
    b"GET /api/get-signed-url?part_number=0&upload_id=a&key=k",
    b"GET /s3/multipart/u",
    b"GET /s3/params",
    b"GET /health/live",
    b"GET /nothing",
    b"POST /api/start-upload",
    b"GET /docs",
)


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("bad", NOT_UTF_8)
def test_invalid_utf_8_is_400(api: httpx.Client, route: str, bad: bytes) -> None:
    for field in BODIES[route]:
        content = b'{"%s": "a%sb"}' % (field.encode(), bad)
        problem(api.post(f"/api/{route}", content=content, headers=JSON), 400, "malformed-request")
    for content in (b'{"%s": 1}' % bad, b'{"x": ["%s"]}' % bad, b'{"a": "b"} %s' % bad):
        problem(api.post(f"/api/{route}", content=content, headers=JSON), 400, "malformed-request")


@pytest.mark.parametrize("bad", NOT_UTF_8)
def test_invalid_utf_8_is_400_for_companion(api: httpx.Client, bad: bytes) -> None:
    upload = CompanionUpload.create(api)
    parts = b'{"parts": [{"PartNumber": 1, "ETag": "%s"}]}' % bad
    metadata = b'{"filename": "a", "metadata": {"x": {"%s": 1}}}' % bad

    for path, content in (
        ("/s3/multipart", b'{"filename": "a%s"}' % bad),
        ("/s3/multipart", metadata),
        (f"{upload.path}/complete?key={upload.key}", parts),
    ):
        refusal(api.post(path, content=content), 400, "malformed-request")


def raw_status(service: Service, head: bytes) -> int:
    """Send bytes. Return the status of the response."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head)
        answer = connection.makefile("rb").readline()
    return int(answer.split()[1])


@pytest.mark.parametrize(
    "host",
    [
        b"[",
        b"[::1",
        b"a:b",
        b"a:99999999",
        b"a:-1",
        b":",
        b"//",
        b"a b",
        b"@",
        b"\xff",
        b"",
        b"[]:x",
    ],
)
def test_invalid_host_is_not_a_server_error(service: Service, host: bytes) -> None:
    for request in REQUESTS:
        head = request + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
        assert raw_status(service, head) < 500, request


@pytest.mark.parametrize(
    "path",
    [
        b"/api/uploads?user_id=%ff",
        b"/api/uploads?user_id=\xff",
        b"/api/uploads?%ff=1",
        b"/api/uploads?\xff",
        b"/api/uploads?user_id=a&user_id=\xff",
        b"/api/uploads?user_id=a%ed%a0%80",
        b"/api/uploads?user_id=%",
        b"/api/uploads?user_id=%zz",
        b"/api/uploads?user_id=a;b=c&&=&=x",
        b"/api/upload-status?upload_id=%ff&key=%ff",
        b"/api/upload-status?upload_id=a&key=a%00",
        b"/s3/multipart/%ff?key=a",
        b"/s3/multipart/\xff?key=a",
        b"/s3/multipart/%00?key=a",
        b"/s3/multipart/a/%ff?key=%ff",
        b"/s3/params?filename=%ff&metadata[%ff]=%ff",
        b"/s3/params?filename=a&type=%ff",
        b"//[",
        b"/[",
        b"/%ff",
        b"/\xff",
        b"*",
        b"http://[/api/uploads",
    ],
)
def test_undecodable_path_is_not_a_server_error(service: Service, path: bytes) -> None:
    head = b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    assert raw_status(service, head) < 500


@pytest.mark.parametrize(
    "header",
    [
        b"Idempotency-Key: \xff" + b"a" * 20,
        b"Content-Type: \xff",
        b"Content-Type: multipart/form-data; boundary=\xff",
        b"Accept: \xff;q=x",
        b"Cookie: \xff=\xff; ;;=",
        b"Origin: \xff",
        b"X-Request-ID: \xff",
        b"X-Forwarded-For: \xff",
        b"X-Forwarded-Proto: \xff",
        b"Authorization: \xff",
        b"Content-Length: x",
        b"Content-Length: -1",
        b"Transfer-Encoding: x",
    ],
)
def test_undecodable_header_is_not_a_server_error(service: Service, header: bytes) -> None:
    for request in REQUESTS:
        head = request + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + header + b"\r\n\r\n"
        assert raw_status(service, head) < 500, request


@pytest.mark.parametrize("field", ["created_from", "created_before"])
@pytest.mark.parametrize(
    "time",
    [
        "0",
        "1700000000",
        "1700000000.5",
        "-1",
        "1e300",
        "99999999999999999999",
        "Infinity",
        "nan",
        "",
        "now",
        "2026-11-20",
        "2026-11-20T10:04:00",
        "2026-11-20 10:04:00Z",
        "2026-11-20T10:04Z",
        "2026-11-20T10:04:00+01",
        "2026-W47-5T10:04:00Z",
        "20261120T100400Z",
        "2026-02-30T00:00:00Z",
        "2026-11-20T24:00:01Z",
        "2026-11-20T10:04:00+99:99",
        "2026-11-20T10:04:00Z\n",
        "٢٠٢٦-11-20T10:04:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1969-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z",
        "2999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-23:59",
        "+010000-01-01T00:00:00Z",
    ],
)
def test_time_must_be_an_rfc_3339_string(each_api: httpx.Client, field: str, time: str) -> None:
    response = each_api.get("/api/uploads", params={"user_id": "alice", field: time})

    (error,) = problem(response, 422, "invalid-field")["errors"]
    assert error["field"] == field
    assert "RFC 3339" in error["message"]


@pytest.mark.parametrize(
    "time",
    [
        "1970-01-01T00:00:00Z",
        "2999-12-31T23:59:59.999999999Z",
        "2026-11-20t10:04:00.5z",
        "2026-11-20T10:04:00-23:59",
    ],
)
def test_every_rfc_3339_time_in_range_is_accepted(each_api: httpx.Client, time: str) -> None:
    query = {"user_id": "alice", "created_from": time, "created_before": time}
    response = each_api.get("/api/uploads", params=query)

    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "place",
    [
        "9999-12-31T23:59:59.999999+00:00 a",
        "9999-12-31T23:59:59+00:00 " + "a" * 32,
        "0001-01-01T00:00:00+00:00 a",
        "2026-11-20T10:04:00+00:00 a\0b",
        "2026-11-20T10:04:00+00:00 \0",
        "2026-11-20T10:04:00+00:00 ",
        "2026-11-20T10:04:00+00:00",
        "2026-11-20T10:04:00+00:00 a b",
        "2026-11-20T10:04:00+00:00 " + "a" * 65,
        "2026-11-20T10:04:00+00:00 \u202e",
        "1700000000 a",
        "\0",
        " ",
    ],
)
def test_made_up_cursor_is_refused(each_api: httpx.Client, place: str) -> None:
    cursor = urlsafe_b64encode(place.encode()).decode()
    response = each_api.get("/api/uploads", params={"user_id": "alice", "cursor": cursor})

    assert wrong_fields(response) == ["cursor"]


def test_cursor_of_undecodable_bytes_is_refused(each_api: httpx.Client) -> None:
    for cursor in ("_w==", "\0", "%00", "=", "a", "YQ"):
        response = each_api.get("/api/uploads", params={"user_id": "alice", "cursor": cursor})
        assert wrong_fields(response) == ["cursor"]
