"""Bodies and files that are too large are refused before they are processed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from .bucket import Bucket
from .service import running_service
from .upload import GIB, Upload, answer, problem

pytestmark = pytest.mark.e2e

JSON: Final = {"Content-Type": "application/json"}
BODY: Final = {"user_id": "alice", "filename": "a.txt", "content_type": "text/plain"}


def test_a_body_over_64_kib_is_413(api: httpx.Client) -> None:
    body = json.dumps({**BODY, "padding": "x" * 65_536}).encode()

    problem(api.post("/api/start-upload", content=body, headers=JSON), 413, "body-too-large")


def test_ten_thousand_parts_with_the_longest_etags_fit_in_a_request(api: httpx.Client) -> None:
    upload = Upload.start(api)
    parts = [
        {"part_number": number, "etag": f'"{"e" * 128}"', "size": 5 * GIB}
        for number in range(1, 10_001)
    ]

    recorded = api.post("/api/upload-parts", json={**upload.reference, "parts": parts})

    assert answer(recorded)["parts_recorded"] == 10_000


@pytest.mark.parametrize("route", ["get-signed-urls", "upload-parts"])
def test_a_batch_over_2_mib_is_413(api: httpx.Client, route: str) -> None:
    body = b" " * (2 * 1024 * 1024 + 1)

    problem(api.post(f"/api/{route}", content=body, headers=JSON), 413, "body-too-large")


def test_an_endless_body_without_a_length_is_413(api: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"padding": "'
        for _ in range(70):
            yield b"x" * 1024

    problem(api.post("/api/start-upload", content=chunks(), headers=JSON), 413, "body-too-large")


@pytest.mark.parametrize("size", [10_000 * 5 * GIB + 1, 10**30])
def test_file_larger_than_the_limit_of_s3_is_413(api: httpx.Client, size: int) -> None:
    body = {**BODY, "size": size}

    refused = problem(api.post("/api/start-upload", json=body), 413, "file-too-large")

    assert refused["max_size"] == 10_000 * 5 * GIB


def test_file_larger_than_the_configured_limit_is_413(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, "MAX_UPLOAD_SIZE": "1000"}
    with running_service(tmp_path, settings) as service, service.client() as api:
        Upload.start(api, size=1000)
        response = api.post("/api/start-upload", json={**BODY, "size": 1001})

    assert problem(response, 413, "file-too-large")["max_size"] == 1000
