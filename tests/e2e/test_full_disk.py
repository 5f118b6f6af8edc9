"""The disk of the SQLite file fills up and is freed."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .bucket import Bucket
from .service import Service, running_service
from .upload import Upload, answer, problem

pytestmark = pytest.mark.e2e


@contextmanager
def files_cannot_grow(service: Service, database: Path) -> Iterator[None]:
    """Limit the process to the size of its largest file."""
    largest = max(path.stat().st_size for path in database.parent.glob(f"{database.name}*"))
    pid, kind = service.process.pid, resource.RLIMIT_FSIZE
    before = resource.prlimit(pid, kind)
    resource.prlimit(pid, kind, (largest, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, kind, before)


def test_full_disk_is_not_ready_until_there_is_room(bucket: Bucket, tmp_path: Path) -> None:
    database = tmp_path / "uploads.db"
    settings = {**bucket.settings, "DATABASE_URL": f"sqlite+aiosqlite:///{database}"}
    with running_service(tmp_path, settings) as service, service.client_without_retries() as api:
        answer(api.get("/health/ready"))
        upload = Upload.start(api, size=1)
        with files_cannot_grow(service, database):
            # One failed write makes the service check again.
            problem(upload.abort(), 503, "repository-unavailable")
            problem(api.get("/health/ready"), 503, "repository-unavailable")
            assert answer(api.get("/health/live")) == {"status": "ok"}
        answer(api.get("/health/ready"))
        answer(upload.abort())
