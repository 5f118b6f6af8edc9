"""Third-party adapters, written, tested and configured as in the how-to guide."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from multipart_upload.adapters.sql import open_sql_sessions
from multipart_upload.domain.session import SessionState
from multipart_upload.testing.contract.sample_sessions import sample_session

from .service import ROOT, environment, run_command, running_service

pytestmark = pytest.mark.e2e
SETTINGS: Final = {"SESSION_REPOSITORY": "mine", "OBJECT_STORE": "mine"}
SQL: Final = """
import os
from contextlib import asynccontextmanager
from multipart_upload.adapters.clock import SystemClock
from multipart_upload.adapters.sql import open_sql_sessions
from multipart_upload.testing.memory import MemoryObjectStore

def open_my_sessions(path):
    return open_sql_sessions(f"sqlite+aiosqlite:///{path}")

def open_from_environment():
    return open_my_sessions(os.environ["MY_SESSIONS"])

@asynccontextmanager
async def open_store():
    yield MemoryObjectStore(SystemClock())
"""
KEPT_IN_MEMORY: Final = """
from contextlib import nullcontext
from functools import cache
from multipart_upload.adapters.clock import SystemClock
from multipart_upload.testing.memory import MemorySessionRepository

@cache
def stored(path):
    return MemorySessionRepository(SystemClock())

def open_my_sessions(path):
    return nullcontext(stored(path))
"""
NEVER_WRITTEN: Final = KEPT_IN_MEMORY.replace("@cache", "")
WRITTEN_WHEN_CLOSED: Final = """
from contextlib import asynccontextmanager
from copy import deepcopy
from multipart_upload.adapters.clock import SystemClock
from multipart_upload.testing.memory import MemorySessionRepository

STORED = {}

@asynccontextmanager
async def open_my_sessions(path):
    sessions = deepcopy(STORED.get(path, MemorySessionRepository(SystemClock())))
    yield sessions
    STORED[path] = sessions
"""


def readme_block(first_line: str) -> str:
    text = (ROOT / "docs/how-to/own-adapter.md").read_text()
    found = re.search(rf"```\w+\n(# {re.escape(first_line)}\n.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def run_recipe(folder: Path, adapter: str) -> subprocess.CompletedProcess[str]:
    """Run the guide's test of an adapter, in a folder without any configuration of pytest."""
    (folder / "my_sessions.py").write_text(adapter)
    (folder / "test_my_sessions.py").write_text(readme_block("test_my_sessions.py"))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), "-p", "no:cacheprovider"],
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Install a package with both adapters, as pip lays it out, and return the settings."""
    (tmp_path / "my_sessions.py").write_text(SQL)
    project = tomllib.loads(readme_block("pyproject.toml of your package"))
    ((group, offered),) = project["project"]["entry-points"].items()
    information = tmp_path / "my_sessions-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-sessions\nVersion: 1.0\n"
    )
    lines = [
        f"[{group}]",
        *(f"{name} = {function}" for name, function in offered.items()),
        "broken = my_sessions:open_nothing",
        "[multipart_upload.object_stores]",
        "mine = my_sessions:open_store",
    ]
    (information / "entry_points.txt").write_text("\n".join(lines))
    paths = {"PYTHONPATH": f"{ROOT}:{tmp_path}", "MY_SESSIONS": str(tmp_path / "sessions.db")}
    return SETTINGS | paths


def test_contract_suite_runs_as_documented(tmp_path: Path) -> None:
    ran = run_recipe(tmp_path, KEPT_IN_MEMORY)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\d\d+ passed", ran.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("adapter", "failed"), [(NEVER_WRITTEN, 3), (WRITTEN_WHEN_CLOSED, 2)], ids=["never", "closed"]
)
def test_contract_suite_detects_writes_that_are_not_stored(
    tmp_path: Path, adapter: str, failed: int
) -> None:
    ran = run_recipe(tmp_path, adapter)
    assert re.search(rf"^{failed} failed, \d+ passed", ran.stdout, re.MULTILINE), ran.stdout


async def test_serve_uses_the_adapters_named_in_settings(
    tmp_path: Path, installed: dict[str, str]
) -> None:
    with running_service(tmp_path, installed) as service, service.client() as client:
        body = {"user_id": "ada", "filename": "a.bin", "content_type": "text/plain"}
        started = client.post("/api/start-upload", json=body)
        assert started.status_code == 200
        address = {name: started.json()[name] for name in ("upload_id", "key")}
        signed = client.get("/api/get-signed-url", params={**address, "part_number": 1})
        assert signed.json()["signed_url"].startswith("memory:")
    async with open_sql_sessions(f"sqlite+aiosqlite:///{installed['MY_SESSIONS']}") as sessions:
        assert (await sessions.get(address["upload_id"])).key == address["key"]


async def test_sweep_uses_the_adapters_named_in_settings(
    tmp_path: Path, installed: dict[str, str]
) -> None:
    url = f"sqlite+aiosqlite:///{installed['MY_SESSIONS']}"
    async with open_sql_sessions(url) as sessions:
        await sessions.add(sample_session(created_at=datetime(2001, 1, 1, tzinfo=UTC)))
        swept = run_command(tmp_path, installed, "sweep", "--once")
        assert swept.returncode == 0, swept.stderr
        assert (await sessions.get("upload-1")).state is SessionState.EXPIRED


def test_adapters_of_all_packages_are_listed(tmp_path: Path, installed: dict[str, str]) -> None:
    paths = {"PYTHONPATH": installed["PYTHONPATH"]}
    ran = run_command(tmp_path, paths, "adapters")

    assert (ran.returncode, ran.stderr) == (0, "")
    rows = [re.split(r" {2,}", line) for line in ran.stdout.splitlines()]
    assert [row[:2] for row in rows] == [
        ["SETTING", "VALUE"],
        ["DATABASE_URL", "SQLite or PostgreSQL"],
        ["MONGO_URI", "MongoDB"],
        ["OBJECT_STORE", "azure"],
        ["OBJECT_STORE", "disk"],
        ["OBJECT_STORE", "s3"],
        ["OBJECT_STORE", "mine"],
        ["SESSION_REPOSITORY", "broken"],
        ["SESSION_REPOSITORY", "mine"],
    ]
    assert rows[-1][2] == "my-sessions 1.0"
    assert rows[-2][2].startswith("my-sessions 1.0 (cannot be imported: ")


@pytest.mark.parametrize("command", [("serve",), ("sweep", "--once")], ids=["serve", "sweep"])
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"SESSION_REPOSITORY": "absent"},
            "SESSION_REPOSITORY: no installed package offers 'absent'; offered: broken, mine",
        ),
        ({"OBJECT_STORE": "absent"}, "OBJECT_STORE: no installed package offers 'absent'"),
        (
            {"SESSION_REPOSITORY": "broken"},
            "SESSION_REPOSITORY: my_sessions:open_nothing of 'broken' cannot be imported",
        ),
    ],
)
def test_missing_adapter_is_named_at_start(
    tmp_path: Path,
    installed: dict[str, str],
    command: tuple[str, ...],
    settings: dict[str, str],
    sentence: str,
) -> None:
    ran = run_command(tmp_path, installed | settings, *command)
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr
