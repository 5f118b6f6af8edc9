"""Quotas over HTTP and on the command line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE_SECONDS

from .bucket import Bucket
from .companion import refusal
from .service import Service, run_command, running_service
from .upload import Upload, answer, problem

pytestmark = pytest.mark.e2e

NOW = {"SWEEP_GRACE_SECONDS": "0", "LEASE_SECONDS": "3"}


@pytest.fixture
def settings(bucket: Bucket) -> dict[str, str]:
    return {
        **bucket.settings,
        "QUOTA_OPEN_UPLOADS": "10",
        "QUOTA_OPEN_BYTES": "1000",
        "QUOTA_PERIOD_BYTES": "500",
        "QUOTA_PERIOD_SECONDS": str(10 * 365 * 24 * 3600),
        "QUOTA_UNSIZED_BYTES": "100",
    }


@pytest.fixture
def service(settings: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path, settings) as service:
        yield service


@pytest.fixture
def api(service: Service) -> Iterator[httpx.Client]:
    with service.client() as api:
        yield api


def start(api: httpx.Client, size: int | None = 10) -> httpx.Response:
    fields = {"user_id": "alice", "filename": "a.txt", "content_type": "text/plain", "size": size}
    given = {name: value for name, value in fields.items() if value is not None}
    return api.post("/api/start-upload", json=given)


def show(folder: Path, settings: dict[str, str]) -> list[str]:
    shown = run_command(folder, settings, "quota", "show", "alice")
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.splitlines()


def test_racing_starts_never_exceed_the_quota(api: httpx.Client) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: start(api), range(30)))

    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == 20
    for response in refused:
        assert problem(response, 403, "quota-exceeded")["quota"] == "open_uploads"
    create = {"filename": "a.txt", "type": "text/plain"}
    headers = {"X-Forwarded-User": "alice"}
    assert api.post("/s3/multipart", json=create, headers=headers).status_code == 200


def test_bytes_count_until_the_upload_ends_or_the_period(api: httpx.Client) -> None:
    larger = problem(start(api, 501), 403, "quota-exceeded")
    assert (larger["quota"], larger["limit"]) == ("period_bytes", 500)
    assert larger["resets_at"].endswith("Z")
    upload = Upload.start(api, user_id="alice", size=450)
    assert start(api, 51).status_code == 403
    answer(upload.abort())
    done = Upload.start(api, user_id="alice")
    done.send(1, b"x" * 90)
    answer(done.complete())
    assert start(api, 411).status_code == 403
    answer(start(api, 410))


def test_upload_without_a_size_may_have_what_it_counts(api: httpx.Client) -> None:
    upload = Upload.start(api)
    upload.send(1, b"x" * 101)
    assert problem(upload.complete(), 413, "file-too-large")["max_size"] == 100


def test_uppy_sends_every_file_in_parts(api: httpx.Client) -> None:
    form = api.get("/s3/params", params={"filename": "a.txt", "type": "text/plain"})
    refusal(form, 409, "single-uploads-unsupported")


def test_command_shows_and_repairs(
    service: Service, api: httpx.Client, settings: dict[str, str], tmp_path: Path
) -> None:
    answer(start(api))
    assert show(tmp_path, settings)[:2] == ["open uploads: 1 of 10", "open bytes: 10 of 1000"]
    assert show(tmp_path, settings)[2].endswith(" UTC: 10 of 500")
    service.process.kill()
    with (
        closing(sqlite3.connect(tmp_path / "multipart.db", timeout=PATIENCE_SECONDS)) as file,
        file,
    ):
        file.execute("UPDATE upload_reservations SET upload_id = 'gone', reserved_at = 0")

    audited = run_command(tmp_path, {**settings, **NOW}, "quota", "audit")
    assert audited.returncode == 1
    stale, missing = audited.stdout.splitlines()
    assert stale.startswith("counted, but not open: gone")
    assert missing.startswith("open, but not counted: ")
    repaired = run_command(tmp_path, {**settings, **NOW}, "quota", "audit", "--repair")
    assert repaired.returncode == 0
    clean = run_command(tmp_path, {**settings, **NOW}, "quota", "audit")
    assert (clean.returncode, clean.stdout.count("\n")) == (0, 1)
    assert show(tmp_path, settings)[0] == "open uploads: 1 of 10"


def test_sweep_settles_what_a_crash_has_left(
    service: Service, api: httpx.Client, settings: dict[str, str], tmp_path: Path
) -> None:
    answer(start(api))
    service.process.kill()
    with (
        closing(sqlite3.connect(tmp_path / "multipart.db", timeout=PATIENCE_SECONDS)) as file,
        file,
    ):
        file.execute("UPDATE upload_reservations SET reserved_at = 0")
        file.execute("DELETE FROM upload_sessions")

    swept = run_command(tmp_path, {**settings, **NOW}, "sweep", "--once")

    assert swept.returncode == 0
    assert "1 settled" in swept.stdout
    assert show(tmp_path, settings)[0] == "open uploads: 0 of 10"


def test_command_needs_a_quota(bucket: Bucket, tmp_path: Path) -> None:
    refused = run_command(tmp_path, bucket.settings, "quota", "show", "alice")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: QUOTA_OPEN_UPLOADS")
