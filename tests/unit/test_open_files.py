"""The open-file limit of the process covers its connections."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
# In a separate process, because a lowered hard limit cannot be raised again.
PROGRAM: Final = """
import resource, sys
from multipart_upload.entrypoints.cli.open_files import allow_open_files
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
allow_open_files(connections)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "after"),
    [(256, 1000, 400, 600), (256, 500, 400, 500), (900, 1000, 400, 900)],
    ids=["is raised", "is raised as far as it can be", "is never lowered"],
)
def test_open_file_limit_is_raised_to_fit_the_connections(
    soft: int, hard: int, connections: int, after: int
) -> None:
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(connections)]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == [str(after), str(hard)]
