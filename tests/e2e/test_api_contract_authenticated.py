"""The contract holds for callers with credentials and without, with quotas and rate limits on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from .api_contract import GROUPS, check_contract, fresh_seed
from .bucket import Bucket
from .service import Service, run_command, running_service

pytestmark = pytest.mark.e2e

PHASES: Final = "fuzzing,stateful"
# Low enough to be reached: their refusals are part of the contract.
LIMITS: Final = {
    "QUOTA_OPEN_UPLOADS": "20",
    "QUOTA_OPEN_BYTES": str(10**15),
    "RATE_LIMIT_STARTS": "60/second",
    "RATE_LIMIT_URLS": "100000/second",
}


@pytest.fixture(scope="module")
def settings(bucket: Bucket) -> dict[str, str]:
    auth = {"AUTH": "api-key,token", "UPLOAD_TOKEN_SECRET": "0123456789abcdef0123456789abcdef"}
    return {**bucket.settings, **auth, **LIMITS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contract")


@pytest.fixture(scope="module")
def service(settings: dict[str, str], folder: Path) -> Iterator[Service]:
    with running_service(folder, settings) as service:
        yield service


@pytest.mark.parametrize("group", GROUPS)
def test_responses_to_an_authenticated_caller_match_openapi(
    service: Service, settings: dict[str, str], folder: Path, tmp_path: Path, group: str
) -> None:
    scopes = ("--scope", "upload", "--scope", "act-for", "--scope", "operate")
    created = run_command(folder, settings, "keys", "create", "--user", "alice", *scopes)
    headers = {"X-API-Key": created.stdout.split()[-1]}

    check_contract(service, tmp_path, group, fresh_seed(), PHASES, headers=headers)


@pytest.mark.parametrize("group", GROUPS)
def test_anonymous_requests_are_refused(service: Service, tmp_path: Path, group: str) -> None:
    check_contract(service, tmp_path, group, fresh_seed(), PHASES, hooks="schemathesis_anonymous")
