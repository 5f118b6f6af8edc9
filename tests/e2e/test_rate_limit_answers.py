"""What clients and operators see of rate limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.patience import wait_until
from tests.servers.redis import RedisServer

from .bucket import Bucket
from .companion import CompanionUpload, refusal
from .limited import FORM, LIMITS, TEN_YEARS, is_too_many, left, sign_many, start, success_of
from .service import Service, run_command, running_service
from .upload import Upload, problem, wrong_fields

pytestmark = pytest.mark.e2e

APP: Final = "https://app.example.org"


@pytest.fixture
def settings(bucket: Bucket) -> dict[str, str]:
    """Return the settings of a service with limits and without authentication."""
    return {**bucket.settings, **LIMITS, "CORS_ALLOWED_ORIGINS": APP}


@pytest.fixture
def service(settings: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path, settings) as service:
        yield service


def test_batch_over_the_limit_is_a_wrong_field(service: Service) -> None:
    with service.client() as client:
        upload = Upload.start(client)
        response = sign_many(upload, "1-101")
        assert wrong_fields(response) == ["part_numbers"]
        assert "100" in response.json()["detail"]
        companion = CompanionUpload.create(client)
        numbers = ",".join(map(str, range(1, 102)))
        found = refusal(companion.sign_batch(numbers), 400, "invalid-field")
        assert found["errors"][0]["field"] == "part_numbers"
        assert left(success_of(sign_many(upload, "1-100"))) == {"urls": 0}


def test_routes_of_companion_count_and_answer_in_its_form(service: Service) -> None:
    with service.client() as client:
        upload = CompanionUpload.create(client)
        assert left(success_of(upload.sign(1))) == {"urls": 99}
        assert left(success_of(upload.sign_batch("1,2,3"))) == {"urls": 96}
        assert left(client.get("/s3/params", params=FORM)) == {"starts": 1, "urls": 95}
        assert left(success_of(client.post("/s3/multipart", json=FORM))) == {"starts": 0}

        for response in (
            client.post("/s3/multipart", json=FORM),
            client.get("/s3/params", params=FORM),
        ):
            found = refusal(response, 429, "rate-limited")
            assert "3 started uploads" in found["message"]
            assert left(response)["starts"] == 0
        assert left(success_of(upload.sign(1))) == {"urls": 94}


def test_headers_follow_the_draft_and_pages_may_read_them(service: Service) -> None:
    with service.client(Origin=APP) as client:
        upload = Upload.start(client)
        signed = upload.sign(1)
        success_of(sign_many(upload, "1-99"))
        refused = upload.sign(2)

    assert signed.headers["RateLimit-Policy"] == f'"urls";q=100;w={TEN_YEARS}'
    problem(refused, 429, "rate-limited")
    wait = is_too_many(refused)
    assert 1 <= wait <= 2 * TEN_YEARS
    assert refused.headers["RateLimit-Policy"] == signed.headers["RateLimit-Policy"]
    assert refused.headers["RateLimit"] == f'"urls";r=0;t={wait}'
    exposed = refused.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed)


def test_refusals_are_as_documented(service: Service) -> None:
    with service.client() as client:
        upload = Upload.start(client)
        companion = CompanionUpload.create(client)
        Upload.start(client)
        success_of(sign_many(upload, "1-100"))
        answers = {
            ("/api/start-upload", "post"): start(client, user_id="ada"),
            ("/api/get-signed-url", "get"): upload.sign(1),
            ("/api/get-signed-urls", "post"): sign_many(upload, 1),
            ("/s3/multipart", "post"): client.post("/s3/multipart", json=FORM),
            ("/s3/multipart/{upload_id}/{number}", "get"): companion.sign(1),
            ("/s3/multipart/{upload_id}/batch", "get"): companion.sign_batch("1"),
            ("/s3/params", "get"): client.get("/s3/params", params=FORM),
        }
        paths = client.get("/docs/openapi.json").json()["paths"]

    documented = {
        (path, method): operation["responses"]["429"]
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "429" in operation["responses"]
    }
    assert documented.keys() == answers.keys()
    for route, response in answers.items():
        is_too_many(response)
        content = documented[route]["content"][response.headers["content-type"]]
        example = content["examples"]["rate-limited"]["value"]
        assert example.keys() == response.json().keys()
        assert all(name in response.headers for name in documented[route]["headers"])


@pytest.mark.integration
def test_processes_share_the_counts_in_redis_and_pass_without_it(
    settings: dict[str, str], tmp_path: Path, redis_server: RedisServer
) -> None:
    shared = {**settings, "RATE_LIMIT_STORAGE_URI": redis_server.uri}
    with ExitStack() as stack:
        services = [stack.enter_context(running_service(tmp_path, shared)) for _ in range(2)]
        clients = [stack.enter_context(service.client()) for service in services]
        answers: list[httpx.Response] = []

        def both_refuse() -> bool:
            answers.extend(found := [start(client, user_id="ada") for client in clients])
            return all(response.status_code == 429 for response in found)

        wait_until(both_refuse, "both processes refuse")
        # On a busy machine Redis may answer too late; such a start passes, without the field.
        counted = [found for found in answers if found.is_success and "RateLimit" in found.headers]
        assert len(counted) <= 3

        redis_server.kill()

        assert [start(client, user_id="ada").status_code for client in clients * 5] == [200] * 10
        assert services[0].log.count("RATE_LIMIT_STORAGE_URI does not answer") >= 1


WRONG_SETTINGS: Final = {
    "no time": ({"RATE_LIMIT_STARTS": "100"}, "RATE_LIMIT_STARTS"),
    "several": ({"RATE_LIMIT_URLS": "1/second;100/minute"}, "RATE_LIMIT_URLS"),
    "other storage": ({"RATE_LIMIT_STORAGE_URI": "memcached://h"}, "RATE_LIMIT_STORAGE_URI"),
    "wrong port": ({"RATE_LIMIT_STORAGE_URI": "redis://h:secret"}, "RATE_LIMIT_STORAGE_URI"),
    "wrong option": ({"RATE_LIMIT_STORAGE_URI": "redis://h?colour=red"}, "RATE_LIMIT_STORAGE_URI"),
}


@pytest.mark.parametrize(("wrong", "name"), WRONG_SETTINGS.values(), ids=WRONG_SETTINGS.keys())
def test_wrong_settings_end_the_start(
    settings: dict[str, str], tmp_path: Path, wrong: dict[str, str], name: str
) -> None:
    done = run_command(tmp_path, {**settings, **wrong}, "serve", "--port", "0")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {name}: ")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
