"""Which limiter the settings choose, and what is imported for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORTS = """
import asyncio, sys
from multipart_upload.container import open_rate_limiter
from multipart_upload.settings import load_settings

async def main():
    async with open_rate_limiter(load_settings()):
        print(*(name for name in ("limits", "redis") if name in sys.modules))

asyncio.run(main())
"""
WITHOUT_REDIS = """
import sys
sys.modules["redis"] = None
from multipart_upload.container import check_rate_limiter
from multipart_upload.settings import load_settings
try:
    check_rate_limiter(load_settings())
except ValueError as exc:
    print(exc)
"""
LIMIT = {"RATE_LIMIT_STARTS": "1/day"}
REDIS = {"RATE_LIMIT_STORAGE_URI": "rediss://:secret@redis.example.org:6379/0"}


def run(program: str, settings: dict[str, str], folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "S3_BUCKET_NAME": "uploads", **settings},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.mark.parametrize(
    ("settings", "imported"),
    [({}, ""), (REDIS, ""), (LIMIT, "limits"), ({**LIMIT, **REDIS}, "limits redis")],
    ids=["no limit", "no limit in Redis", "memory", "Redis"],
)
def test_only_the_chosen_limiter_is_imported(
    settings: dict[str, str], imported: str, tmp_path: Path
) -> None:
    assert run(IMPORTS, settings, tmp_path) == imported


def test_missing_extra_is_named(tmp_path: Path) -> None:
    told = run(WITHOUT_REDIS, {**LIMIT, **REDIS}, tmp_path)

    assert told == "RATE_LIMIT_STORAGE_URI: needs its extra: pip install 'multipart-upload[redis]'"
    assert run(WITHOUT_REDIS, LIMIT, tmp_path) == ""
