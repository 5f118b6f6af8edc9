"""A hanging test fails, and the test run ends."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
HANGS_IN_THE_CALL: Final = """
import asyncio

async def test_hangs():
    await asyncio.Event().wait()

def test_goes_on():
    pass
"""
HANGS_IN_THE_TEARDOWN_TOO: Final = """
import asyncio

async def never_ends():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def test_hangs():
    await asyncio.create_task(never_ends())
"""


def test_hanging_test_fails_with_its_stack_and_the_next_one_runs(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, HANGS_IN_THE_CALL, workers=1)
    assert run.returncode == 1
    assert "from pytest-timeout" in run.stdout
    assert "1 failed, 1 passed" in run.stdout


@pytest.mark.parametrize("workers", [0, 1])
def test_hanging_teardown_ends_the_run_with_its_stack(tmp_path: Path, workers: int) -> None:
    run = run_pytest(tmp_path, HANGS_IN_THE_TEARDOWN_TOO, workers)
    assert run.returncode == 1
    assert "_cancel_all_tasks" in run.stderr


def run_pytest(folder: Path, source: str, workers: int) -> subprocess.CompletedProcess[str]:
    (folder / "test_hanging.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")]
    command += ["-p", "tests.teardowns", "-o", "timeout=3", "-o", "teardown_timeout=3"]
    command += ["--numprocesses", str(workers), "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
