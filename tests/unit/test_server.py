"""The application as started by a server process."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import cast

import pytest
from litestar import Litestar

from multipart_upload.entrypoints.http.request_id import CurrentRequest
from multipart_upload.entrypoints.http.server import app_from_environment


async def test_long_lived_objects_are_exempt_from_garbage_collection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S3_BUCKET_NAME", "bucket")
    monkeypatch.setenv("DATABASE_URL", "sqlite+aiosqlite:///uploads.db")
    gc.unfreeze()
    app = cast("Litestar", cast("CurrentRequest", app_from_environment().app).app)
    async with app.lifespan():
        frozen = gc.get_freeze_count()
    gc.unfreeze()
    assert frozen > 100_000
