"""Run Schemathesis against a service.

What it may find is in schemathesis_hooks.py. A failure prints the seed and the requests:
`API_CONTRACT_SEED=<seed> make test TEST=tests/e2e/test_api_contract.py` repeats the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import SystemRandom
from typing import Final

from .service import Service, environment

# No negative cases for bodies from links: there Schemathesis 4.32 sends the valid body and expects
# an error.
CONFIG: Final = """
hooks = "tests.e2e.{hooks}"
[phases.stateful.generation]
mode = "positive"
max-examples = 8
"""
# Its state machines start at routes without ids, so each group of routes is a separate run.
GROUPS: Final = {
    "api": ("Uploading", "Reading", "Upload tokens", "Health"),
    "companion": ("Companion",),
}


def fresh_seed() -> int:
    return int(os.environ.get("API_CONTRACT_SEED") or SystemRandom().randrange(2**32))


def check_contract(
    service: Service,
    folder: Path,
    group: str,
    seed: int,
    phases: str,
    *,
    headers: Mapping[str, str] | None = None,
    hooks: str = "schemathesis_hooks",
) -> str:
    """Run Schemathesis with these headers, and return what it prints."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.format(hooks=hooks))
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={config}",
            "run",
            f"{service.url}/docs/openapi.json",
            *(f"--include-tag={tag}" for tag in GROUPS[group]),
            *(f"--header={name}: {value}" for name, value in (headers or {}).items()),
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
