"""Schemathesis finds no response that the OpenAPI document does not allow, and no 5xx."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from .api_contract import check_contract, fresh_seed
from .service import Service

pytestmark = pytest.mark.e2e

FIXED_SEED: Final = 20_261_126


@pytest.mark.parametrize(
    ("group", "database"), [("api", "sqlite_service"), ("companion", "service")]
)
def test_responses_match_openapi_with_a_fixed_seed(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, group: str
) -> None:
    service: Service = request.getfixturevalue(database)

    output = check_contract(
        service, tmp_path, group, FIXED_SEED, "examples,coverage,fuzzing,stateful"
    )

    followed = re.search(r"API Links: +(\d+) covered", output)
    assert followed
    assert int(followed[1]) > 0


@pytest.mark.parametrize(
    ("group", "database"), [("api", "service"), ("companion", "sqlite_service")]
)
def test_responses_match_openapi_with_a_fresh_seed(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, group: str
) -> None:
    service: Service = request.getfixturevalue(database)

    check_contract(service, tmp_path, group, fresh_seed(), "fuzzing,stateful")
