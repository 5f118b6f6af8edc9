"""Responses and logs contain no secrets, signed URLs or implementation details."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.patience import wait_until
from tests.servers.mongodb_kinds import MongoServer
from tests.servers.s3_kinds import S3Server

from . import routes
from .bucket import Bucket
from .service import running_service
from .upload import Upload

pytestmark = pytest.mark.e2e

TRACES: Final = ("Traceback", 'File "', "site-packages", ".py")
SIGNED: Final = ("X-Amz-Signature", "X-Amz-Credential", "AWS4-HMAC")


def bad_requests(api: httpx.Client) -> list[httpx.Response]:
    return [
        api.post("/api/start-upload", content=b"{"),
        api.post("/api/start-upload", content=b"[" * 60_000),
        api.post("/api/start-upload", content=b" " * 70_000),
        api.post("/api/start-upload", json={}),
        api.get("/api/get-signed-url"),
        api.get("/api/uploads", params={"user_id": "alice", "cursor": "x"}),
        api.get("/nowhere"),
        api.delete("/api/start-upload"),
    ]


def test_errors_during_an_outage_reveal_nothing(
    own_mongo_server: MongoServer, own_s3: S3Server, tmp_path: Path
) -> None:
    with Bucket.made_on(own_s3) as bucket:
        settings = {**bucket.settings, "MONGO_URI": own_mongo_server.uri, "LOG_LEVEL": "DEBUG"}
        with (
            running_service(tmp_path, settings, "--access-log") as service,
            service.client_without_retries() as api,
        ):
            answers = bad_requests(api)
            upload = Upload.start(api)
            upload.send(1, b"x")
            calls = {path: call for path, call in routes.ALL.items() if "abort" not in path}
            own_s3.stop()
            answers += [answer for answer, _ in routes.all_at_once(calls, upload).values()]
            named = api.get("/health/ready", headers={"X-Request-ID": "find-me"})
            own_mongo_server.stop()
            answers += [answer for answer, _ in routes.all_at_once(routes.ALL, upload).values()]
            service.terminate()
        errors = [answer.text for answer in answers if answer.is_error]
        secrets = (own_s3.secret_key, own_mongo_server.uri, *SIGNED)

    assert len(errors) > 20
    for text in errors:
        assert [word for word in (*secrets, *TRACES, own_s3.endpoint_url) if word in text] == []
    assert [word for word in (*secrets, "Traceback", 'File "') if word in service.log] == []
    # Operators see which server failed in which request.
    (line,) = [line for line in service.log.splitlines() if "find-me" in line]
    assert "store-unavailable" in line
    assert named.headers["x-request-id"] == "find-me"


def test_start_with_a_wrong_password_does_not_show_it(
    bucket: Bucket, mongo_server: MongoServer, tmp_path: Path
) -> None:
    address = mongo_server.uri.removeprefix("mongodb://").rpartition("@")[2]
    uri = f"mongodb://operator:a-wrong-password@{address}"

    settings = {**bucket.settings, "MONGO_URI": uri}
    with running_service(tmp_path, settings) as service, service.client_without_retries() as api:
        wait_until(lambda: "Not ready: MongoDB at " in service.log, "no cause in the log")
        refused = api.get("/health/ready")

    assert refused.is_server_error
    secrets = ("a-wrong-password", bucket.server.secret_key, "Traceback", 'File "')
    assert [word for word in secrets if word in service.log + refused.text] == []


def test_every_response_has_its_own_request_id(api: httpx.Client) -> None:
    answers = [*bad_requests(api), api.get("/health/live"), api.get("/docs/openapi.json")]

    ids = [answer.headers["x-request-id"] for answer in answers]

    assert all(re.fullmatch(r"[0-9a-f]{32}", found) for found in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", ["/health/live", "/nowhere", "/api/uploads"])
@pytest.mark.parametrize("sent", ["abc-123", "trace:0/span=1+2.3_4", "x" * 128])
def test_request_id_of_the_caller_is_returned(api: httpx.Client, path: str, sent: str) -> None:
    assert api.get(path, headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 129, "two words", "a;b", "é"])
def test_request_id_that_could_break_a_log_line_is_replaced(api: httpx.Client, sent: str) -> None:
    given = api.get("/nowhere", headers=[(b"X-Request-ID", sent.encode())]).headers["x-request-id"]

    assert re.fullmatch(r"[0-9a-f]{32}", given)
