"""Thousands of mutated requests cause no 5xx, and the service keeps running.

A failure prints the seed and the request: `FUZZ_SEED=<seed>` repeats the run.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

import pytest

from . import fuzzing
from .companion import CompanionUpload
from .service import Service
from .upload import Upload

pytestmark = pytest.mark.e2e

CASES: Final = 500
FIXED_SEED: Final = 20_261_126
PATIENCE: Final = 120.0
ETAG: Final = "9b2cf535f27731c974343645a3985328"
COMPANION_FIELDS: Final = {"code", "error", "message", "requestId"}
PROBLEM_FIELDS: Final = {"type", "title", "status", "detail", "code"}


@dataclass(frozen=True, slots=True)
class Routes:
    """Valid JSON bodies and query strings, by target."""

    bodies: dict[bytes, Any]
    queries: dict[bytes, dict[str, str]]

    @classmethod
    def of(cls, service: Service) -> Routes:
        """Start an upload on each interface, so that requests reach the code behind validation."""
        with service.client() as api:
            upload = Upload.start(api, size=17_825_792, metadata={"a": "b"})
            other = CompanionUpload.create(api, metadata={"a": {"b": [1]}})
        start = {"user_id": "u", "filename": "f", "content_type": "a/b", "size": 1, "metadata": {}}
        parts = [{"part_number": number, "etag": ETAG, "size": 8_388_608} for number in (1, 2)]
        path, key = other.path.encode(), {"key": other.key}
        return cls(
            {
                b"/api/start-upload": start,
                b"/api/get-signed-urls": {**upload.identity, "part_numbers": [1, "2-3"]},
                b"/api/upload-part": {**upload.reference, **parts[0]},
                b"/api/upload-parts": {**upload.reference, "parts": parts},
                b"/api/complete-upload": upload.reference,
                b"/api/abort-upload": upload.reference,
                b"/s3/multipart": {"filename": "f", "type": "a/b", "metadata": {"a": {"b": [1]}}},
                path + b"/complete?" + urlencode(key).encode(): {
                    "parts": [{"PartNumber": 1, "ETag": ETAG}]
                },
            },
            {
                b"/api/get-signed-url": {**upload.identity, "part_number": "1"},
                b"/api/upload-status": {**upload.identity, "user_id": upload.user_id},
                b"/api/list-parts": {**upload.identity, "user_id": upload.user_id},
                b"/api/uploads": {"user_id": upload.user_id, "limit": "2", "status": "initiated"},
                path: key,
                path + b"/1": key,
                path + b"/batch": {**key, "partNumbers": "1,2"},
                b"/s3/params": {"filename": "f", "type": "a/b", "metadata[a]": "b"},
            },
        )

    def requests(self) -> list[bytes]:
        """Return all valid requests."""
        return [
            *(
                fuzzing.request("POST", target, body=json.dumps(body).encode())
                for target, body in self.bodies.items()
            ),
            *(
                fuzzing.request("GET", target + b"?" + urlencode(query).encode())
                for target, query in self.queries.items()
            ),
        ]


def broken_http(random: Random, routes: Routes) -> bytes:
    requests = routes.requests()
    return fuzzing.mutate_bytes(random, random.choice(requests), requests)


def odd_json(random: Random, routes: Routes) -> bytes:
    target, body = random.choice([*routes.bodies.items()])
    return fuzzing.request("POST", target, body=fuzzing.mutate_json(random, body))


def odd_query(random: Random, routes: Routes) -> bytes:
    target, query = random.choice([*routes.queries.items()])
    return fuzzing.request("GET", target + fuzzing.mutate_query(random, query))


def seeds() -> Iterator[int]:
    yield FIXED_SEED
    yield int(os.environ.get("FUZZ_SEED") or SystemRandom().randrange(2**32))


class Received(io.BytesIO):
    """Received bytes that may contain several responses."""

    def makefile(self, _: str) -> Received:
        return self

    def close(self) -> None:
        """Stay open; http.client closes after every response."""


def answers(service: Service, sent: bytes, *, is_whole: bool) -> Iterator[tuple[int, str, bytes]]:
    """Yield status, media type and body of every response until the service closes.

    After an incomplete request the client stops sending, or the service would wait for the rest.
    """
    url = urlsplit(service.url)
    chunks = []
    with socket.create_connection((url.hostname or "", url.port or 0), PATIENCE) as connection:
        # The service may refuse a request before it is complete.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(sent)
            if not is_whole:
                connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65_536):
                chunks.append(chunk)
    received = Received(b"".join(chunks))
    while received.tell() < len(received.getvalue()):
        response = http.client.HTTPResponse(cast("socket.socket", received))
        try:
            response.begin()
        except http.client.RemoteDisconnected:
            # After "100 Continue" there may be no final response once the client has left.
            return
        try:
            body = response.read()
        except http.client.IncompleteRead as cut:
            # Signed URLs are streamed until the client leaves. Nothing else may be cut.
            assert not is_whole
            assert response.status == http.client.OK
            body = cut.partial
        yield response.status, response.headers.get_content_type(), body


def require_well_formed(status: int, media_type: str, body: bytes) -> None:
    assert status < 500
    if status < 400:
        return
    if media_type == "application/problem+json":
        problem = json.loads(body)
        assert problem.keys() >= PROBLEM_FIELDS
        assert problem["status"] == status
    elif media_type == "application/json":
        assert json.loads(body).keys() >= COMPANION_FIELDS
    else:
        # Responses to HEAD, and the 404 page below /docs.
        assert (body, status) == (b"", 405) or (media_type, status) == ("text/html", 404)


@pytest.mark.parametrize("make", [broken_http, odd_json, odd_query])
@pytest.mark.parametrize("database", ["service", "sqlite_service"], ids=["mongodb", "sqlite"])
def test_no_request_makes_a_5xx_or_stops_the_service(
    request: pytest.FixtureRequest, database: str, make: Callable[[Random, Routes], bytes]
) -> None:
    service: Service = request.getfixturevalue(database)
    routes = Routes.of(service)
    seen: Counter[int] = Counter()
    log_before = len(service.log)
    for seed in seeds():
        random = Random(seed)  # noqa: S311
        for number in range(CASES):
            sent = make(random, routes)
            try:
                for answer in answers(service, sent, is_whole=make is not broken_http):
                    seen[answer[0]] += 1
                    require_well_formed(*answer)
            except Exception as exc:
                msg = f"FUZZ_SEED={seed}, case {number}: {sent!r}\n{service.log[-3000:]}"
                raise AssertionError(msg) from exc

    assert len(seen) > 1
    assert seen[200] > 0 or make is broken_http
    assert not re.findall(" (?:ERROR|CRITICAL) .*", service.log[log_before:])
    with service.client() as api:
        assert api.get("/health/ready").status_code == 200
        Upload.start(api).send(1, b"x")
