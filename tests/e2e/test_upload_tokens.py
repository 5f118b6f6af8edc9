"""Upload tokens: made by the command line, and signed by applications with their own key."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.identities import SigningKey, key_set

from .bucket import Bucket
from .service import run_command, running_service
from .upload import answer

pytestmark = pytest.mark.e2e

SECRET: Final = "0123456789abcdef0123456789abcdef"
KEY: Final = SigningKey()
START: Final = {"filename": "a.png", "content_type": "image/png"}
LIMITS: Final = (
    *("--max-size", "5", "--max-uploads", "2", "--content-type", "Image/*"),
    *("--key-prefix", "avatars/", "--metadata", "project=summer", "--expires-in", "60"),
)


@pytest.fixture
def settings(bucket: Bucket, tmp_path: Path) -> dict[str, str]:
    keys = tmp_path / "jwks.json"
    keys.write_bytes(key_set(KEY))
    return {
        **bucket.settings,
        "AUTH": "token",
        "UPLOAD_TOKEN_SECRET": SECRET,
        "UPLOAD_TOKEN_JWKS_URL": str(keys),
    }


def test_token_of_the_command_line_has_its_limits(settings: dict[str, str], tmp_path: Path) -> None:
    made = run_command(tmp_path, settings, "tokens", "create", "--user", "ada", *LIMITS)
    assert made.returncode == 0, made.stderr
    assert made.stdout.count("\n") == 1
    token = {"Authorization": f"Bearer {made.stdout.strip()}"}

    with running_service(tmp_path, settings) as service, service.client(**token) as client:
        too_large = client.post("/api/start-upload", json={**START, "size": 6})
        wrong_type = client.post("/api/start-upload", json={**START, "content_type": "text/html"})
        other_user = client.post("/api/start-upload", json={**START, "user_id": "eve"})
        started = answer(client.post("/api/start-upload", json={**START, "size": 5}))

    assert [response.status_code for response in (too_large, wrong_type, other_user)] == [
        413,
        422,
        403,
    ]
    assert started["key"].startswith("avatars/ada/")


def test_application_signs_tokens_with_its_own_key(
    settings: dict[str, str], tmp_path: Path
) -> None:
    token = KEY.sign(sub="ada", aud="multipart-upload", jti="7", key_prefix="own/", iss=None)
    forged = SigningKey(KEY.key_id).sign(sub="ada", aud="multipart-upload", jti="7")

    with running_service(tmp_path, settings) as service, service.client() as client:
        started = answer(client.post(f"/t/{token}/api/start-upload", json=START))
        refused = client.post(f"/t/{forged}/api/start-upload", json=START)

    assert started["key"].startswith("own/ada/")
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("changed", "arguments", "named"),
    [
        ({"AUTH": "none"}, [], "UPLOAD_TOKEN_SECRET"),
        ({}, ["--key-prefix", "../"], "key_prefix"),
        ({}, ["--max-size", "0"], "max_size"),
        ({}, ["--metadata", "project"], "--metadata"),
        ({}, ["--expires-in", "0"], "--expires-in"),
    ],
)
def test_token_with_wrong_limits_is_not_made(
    settings: dict[str, str],
    tmp_path: Path,
    changed: dict[str, str],
    arguments: list[str],
    named: str,
) -> None:
    create = ["tokens", "create", "--user", "ada", *arguments]
    refused = run_command(tmp_path, {**settings, **changed}, *create)

    assert refused.returncode != 0
    assert refused.stdout == ""
    assert named in refused.stderr
