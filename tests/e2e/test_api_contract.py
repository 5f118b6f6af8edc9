"""Schemathesis finds no response that the OpenAPI document does not allow, and no 5xx.

What it may find is in schemathesis_hooks.py. A failure prints the seed and the requests:
`API_CONTRACT_SEED=<seed> make test TEST=tests/e2e/test_api_contract.py` repeats the run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from random import SystemRandom
from typing import Final

import pytest

from .service import Service, environment

pytestmark = pytest.mark.e2e

FIXED_SEED: Final = 20_261_126
# No negative cases for bodies from links: there Schemathesis 4.32 sends the valid body and expects
# an error.
CONFIG: Final = """
hooks = "tests.e2e.schemathesis_hooks"
[phases.stateful.generation]
mode = "positive"
max-examples = 8
"""
# Its state machines start at routes without ids, so each group of routes is a separate run.
GROUPS: Final = {"api": ("Uploading", "Reading", "Health"), "companion": ("Companion",)}


def fresh_seed() -> int:
    return int(os.environ.get("API_CONTRACT_SEED") or SystemRandom().randrange(2**32))


def check_contract(service: Service, folder: Path, group: str, seed: int, phases: str) -> str:
    """Run Schemathesis against the service and return what it prints."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={config}",
            "run",
            f"{service.url}/docs/openapi.json",
            *(f"--include-tag={tag}" for tag in GROUPS[group]),
            f"--phases={phases}",
            f"--seed={seed}",
            "--max-examples=8",
            "--generation-database=none",
            # Slow responses are not findings.
            "--suppress-health-check=all",
            "--request-timeout=300",
            "--warnings=off",
            "--no-color",
        ],
        cwd=folder,
        env=environment({"HOME": str(folder)}),
        capture_output=True,
        text=True,
        check=False,
    )
    output = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, f"API_CONTRACT_SEED={seed}\n{output}\n{service.log[-5000:]}"
    return output


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("database", ["service", "sqlite_service"], ids=["mongodb", "sqlite"])
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


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("database", ["service", "sqlite_service"], ids=["mongodb", "sqlite"])
def test_responses_match_openapi_with_a_fresh_seed(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, group: str
) -> None:
    service: Service = request.getfixturevalue(database)

    check_contract(service, tmp_path, group, fresh_seed(), "fuzzing,stateful")
