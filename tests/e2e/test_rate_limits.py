"""Starts and signed URLs are limited per user and per address; nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.identities import AUDIENCE, ISSUER, key_set

from . import routes
from .bucket import Bucket
from .companion import CompanionUpload
from .limited import FORM, KEY, LIMITS, caller, is_too_many, left, sign_many, start, success_of
from .service import Service, running_service
from .upload import Upload, answer

pytestmark = pytest.mark.e2e


@pytest.fixture
def settings(bucket: Bucket) -> dict[str, str]:
    """Return the settings of a service with limits and without authentication."""
    return {**bucket.settings, **LIMITS}


@pytest.fixture
def service(settings: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path, settings) as service:
        yield service


@pytest.fixture
def guarded(settings: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    """Provide a service that also authenticates its callers."""
    keys = tmp_path / "jwks.json"
    keys.write_bytes(key_set(KEY))
    authentication = {
        "AUTH": "jwt",
        "AUTH_JWKS_URL": str(keys),
        "AUTH_JWT_ISSUER": ISSUER,
        "AUTH_JWT_AUDIENCE": AUDIENCE,
    }
    with running_service(tmp_path, {**settings, **authentication}) as service:
        yield service


def test_starts_are_limited_per_user_at_every_address(guarded: Service) -> None:
    for number in range(3):
        with caller(guarded, f"198.51.100.{number}", "ada") as ada:
            assert left(success_of(start(ada))) == {"starts": 2 - number}
    with caller(guarded, "198.51.100.9", "ada") as ada:
        is_too_many(start(ada))
        is_too_many(ada.post("/s3/multipart", json=FORM))
    with caller(guarded, "198.51.100.9", "eve") as eve:
        success_of(start(eve))


def test_starts_are_limited_per_address_for_every_user(guarded: Service) -> None:
    for user in ("ada", "bob", "carol"):
        with caller(guarded, "198.51.100.1", user) as client:
            success_of(start(client))
    with caller(guarded, "198.51.100.1", "dora") as dora:
        is_too_many(start(dora))
    with caller(guarded, "198.51.100.2", "dora") as dora:
        assert left(success_of(start(dora))) == {"starts": 2}


def test_user_that_a_request_names_is_no_caller(service: Service) -> None:
    with caller(service, "198.51.100.1") as first, caller(service, "198.51.100.2") as second:
        for user in ("ada", "bob", "carol"):
            success_of(start(first, user_id=user))
        is_too_many(start(first, user_id="dora"))
        success_of(start(second, user_id="ada"))


def test_addresses_of_one_ipv6_network_are_one_caller(service: Service) -> None:
    for number in range(3):
        with caller(service, f"2001:db8::{number}") as client:
            success_of(start(client, user_id="ada"))
    with caller(service, "2001:db8::ffff:1") as same:
        is_too_many(start(same, user_id="ada"))
    with caller(service, "2001:db8:0:1::1") as other:
        success_of(start(other, user_id="ada"))


def test_clients_cannot_claim_an_address(settings: dict[str, str], tmp_path: Path) -> None:
    untrusted = {**settings, "AUTH_TRUSTED_PROXIES": "192.0.2.0/24"}
    with running_service(tmp_path, untrusted) as service:
        for number in range(3):
            with caller(service, f"198.51.100.{number}") as client:
                success_of(start(client, user_id="ada"))
        with caller(service, "198.51.100.9") as client:
            is_too_many(start(client, user_id="ada"))


def test_batch_costs_its_parts_and_a_refusal_nothing(service: Service) -> None:
    with service.client() as client:
        upload = Upload.start(client)
        assert left(success_of(sign_many(upload, "1-90"))) == {"urls": 10}
        is_too_many(sign_many(upload, "1-11"))
        assert left(success_of(upload.sign(1))) == {"urls": 9}
        # A part that is named twice is signed once.
        assert left(success_of(sign_many(upload, 1, "1-9", 5))) == {"urls": 0}
        is_too_many(upload.sign(1))


def test_all_parts_of_a_plan_cost_their_number(service: Service) -> None:
    with service.client() as client:
        upload = Upload.start(client, size=20 * 8 * 1024 * 1024)
        body = {**upload.identity, "part_numbers": "all"}
        response = client.post("/api/get-signed-urls", json=body)
        assert len(answer(response)["urls"]) == 20
        assert left(response) == {"urls": 80}


def test_failed_batch_costs_nothing(service: Service) -> None:
    with service.client() as client:
        upload = Upload.start(client)
        unknown = Upload(client, "ada", {"upload_id": "0" * 32, "key": "ada/0/a"})
        assert sign_many(unknown, "1-100").status_code == 404
        assert left(success_of(upload.sign(1))) == {"urls": 99}


def test_nothing_else_is_limited(service: Service) -> None:
    with service.client() as client:
        uploads = [Upload.start(client) for _ in range(2)]
        companion = CompanionUpload.create(client)
        uploads[0].send(1, b"abc")
        part = companion.put(1, b"abc")
        success_of(sign_many(uploads[0], "1-98"))
        is_too_many(start(client, user_id="ada"))
        is_too_many(companion.sign(1))

        unlimited = [
            *(call(uploads[0]) for path, call in routes.ALL.items() if is_unlimited(path)),
            uploads[1].abort(),
            companion.list(),
            companion.complete(part),
            companion.abort(),
        ]
        assert all(response.status_code not in {429, 503} for response in unlimited)
        assert not any("RateLimit" in response.headers for response in unlimited)


def is_unlimited(path: str) -> bool:
    return path not in {*routes.SIGNING, "/api/start-upload"}


def test_only_the_limits_that_are_set_hold(bucket: Bucket, tmp_path: Path) -> None:
    only_urls = {**bucket.settings, "RATE_LIMIT_URLS": "1/3650 days"}
    with running_service(tmp_path, only_urls) as service, service.client() as client:
        uploads = [Upload.start(client) for _ in range(5)]
        success_of(uploads[0].sign(1))
        is_too_many(uploads[1].sign(1))
