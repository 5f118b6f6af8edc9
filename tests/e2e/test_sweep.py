"""The sweep as a command, and as a task of the service."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS, wait_until
from tests.servers.s3_kinds import S3Server

from .bucket import Bucket
from .service import COMMAND, environment, run_command, running_service
from .upload import Upload, answer, problem

pytestmark = pytest.mark.e2e

TEN_DAYS = 10 * 24 * 3600 * 1000
"""In milliseconds, as the table stores times; three days more than the expiry."""
NOW = {"SWEEP_GRACE_SECONDS": "0", "SWEEP_INTERVAL_SECONDS": "0"}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a service's sessions, and its own bucket."""

    folder: Path
    bucket: Bucket

    def sweep(self, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.bucket.settings, **NOW, **settings}
        return run_command(self.folder, environment, "sweep", *options)

    def make_stale(self, upload: Upload) -> None:
        """Backdate the session, as if its client had been idle for long."""
        self.let_time_pass(upload, "active_at", "expires_at", "due_at")

    def let_time_pass(self, upload: Upload, *times: str) -> None:
        """Backdate some times of the session by ten days."""
        changes = ", ".join(f"{time} = {time} - :by" for time in times)
        file = self.folder / "multipart.db"
        with closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS)) as database, database:
            database.execute(
                f"UPDATE upload_sessions SET {changes} WHERE id = :id",  # noqa: S608  # our names
                {"by": TEN_DAYS, "id": upload.started["upload_id"]},
            )


@pytest.fixture
def place(strict_s3: S3Server, tmp_path: Path) -> Iterator[Place]:
    with Bucket.made_on(strict_s3) as bucket:
        yield Place(tmp_path, bucket)


@pytest.fixture
def upload(place: Place) -> Iterator[Upload]:
    settings = {**place.bucket.settings, **NOW}
    with running_service(place.folder, settings) as service, service.client() as api:
        yield Upload.start(api)


def wait_until_expired(upload: Upload) -> None:
    wait_until(lambda: answer(upload.status())["status"] == "expired", "the upload expires")


def test_a_live_upload_is_not_swept(place: Place, upload: Upload) -> None:
    upload.put(1, b"x")
    done = place.sweep("--once")
    assert (done.returncode, done.stdout) == (0, "Nothing to do.\n"), done.stderr
    assert len(place.bucket.open_uploads(upload.key)) == 1


def test_stale_upload_is_reported_by_a_dry_run_and_expired_by_a_sweep(
    place: Place, upload: Upload
) -> None:
    place.make_stale(upload)
    dry_run = place.sweep("--dry-run")
    assert dry_run.returncode == 0, dry_run.stderr
    assert dry_run.stdout.startswith("Dry run")
    assert "1 expired" in dry_run.stdout
    assert upload.key in dry_run.stdout
    assert len(place.bucket.open_uploads(upload.key)) == 1

    swept = place.sweep("--once")
    assert swept.returncode == 0, swept.stderr
    assert "1 expired" in swept.stdout
    assert place.bucket.open_uploads(upload.key) == []
    assert answer(upload.status())["status"] == "expired"
    assert problem(upload.sign(1), 409, "wrong-state")["upload_status"] == "expired"


def test_stale_upload_with_recent_parts_is_kept(place: Place, upload: Upload) -> None:
    upload.put(1, b"x")
    place.make_stale(upload)
    assert "1 kept" in place.sweep("--once").stdout
    upload.put(1, b"x")
    assert answer(upload.complete())["size"] == 1


def test_upload_of_maximum_age_is_expired_although_its_client_is_active(
    place: Place,
) -> None:
    age = {"MAX_UPLOAD_AGE_SECONDS": "3600", "UPLOAD_EXPIRY_SECONDS": "3600"}
    settings = {**place.bucket.settings, **NOW, **age}
    with running_service(place.folder, settings) as service, service.client() as api:
        upload = Upload.start(api)
        upload.send(1, b"x")
        place.let_time_pass(upload, "created_at", "closes_at", "expires_at", "due_at")
        assert answer(upload.status())["expiry_reason"] == "max-age"
    # A new process, without cached sessions.
    with running_service(place.folder, settings) as service, service.client() as api:
        upload = replace(upload, api=api)
        for refused in (upload.sign(2), upload.record(2, "0" * 32)):
            found = problem(refused, 409, "wrong-state")
            assert (found["upload_status"], found["reason"]) == ("expired", "max-age")
        assert "1 expired" in place.sweep("--once", **age).stdout
        ended = answer(upload.status())
        assert (ended["status"], ended["expiry_reason"]) == ("expired", "max-age")
        assert place.bucket.open_uploads(upload.key) == []


def test_older_than_keeps_uploads_idle_for_less(place: Place, upload: Upload) -> None:
    place.make_stale(upload)
    assert place.sweep("--once", "--older-than", "7d").stdout == "Nothing to do.\n"
    assert "1 expired" in place.sweep("--once", "--older-than", "71h").stdout


def test_unknown_upload_is_reported_and_kept(place: Place) -> None:
    place.bucket.client.create_multipart_upload(Bucket=place.bucket.name, Key="backup/disk.img")
    time.sleep(1.1)  # S3 reports the start in whole seconds
    swept = place.sweep("--once")
    assert swept.returncode == 0
    assert "1 unknown" in swept.stdout
    assert "backup/disk.img" in swept.stdout
    assert len(place.bucket.open_uploads("backup/disk.img")) == 1


def test_sweep_without_s3_reports_it_and_exits_with_1(place: Place, upload: Upload) -> None:
    place.make_stale(upload)
    swept = place.sweep("--once", S3_ENDPOINT_URL="http://127.0.0.1:1")
    assert swept.returncode == 1
    assert "1 failed" in swept.stdout
    assert "S3 did not list" in swept.stdout


@pytest.mark.parametrize(
    ("options", "settings", "words"),
    [
        (("--once", "--older-than", "a day"), {}, "--older-than"),
        ((), {}, "SWEEP_INTERVAL_SECONDS"),
        (("--once",), {"MONGO_URI": "mongodb://127.0.0.1:1"}, "not available"),
        (("--once",), {"RETENTION_SECONDS": "1"}, "RETENTION_SECONDS"),
    ],
)
def test_sweep_that_cannot_start_says_why_in_one_line(
    place: Place, options: tuple[str, ...], settings: dict[str, str], words: str
) -> None:
    ended = place.sweep(*options, **settings)
    assert ended.returncode != 0
    assert words in ended.stderr.splitlines()[-1]


def test_running_service_sweeps_periodically(place: Place) -> None:
    settings = {**place.bucket.settings, **NOW, "SWEEP_INTERVAL_SECONDS": "1"}
    with running_service(place.folder, settings) as service, service.client() as api:
        upload = Upload.start(api)
        place.make_stale(upload)
        wait_until_expired(upload)
        wait_until(lambda: "Sweep: 1 expired." in service.log, "the log says so")
    assert place.bucket.open_uploads(upload.key) == []


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_separate_sweeper_runs_until_it_is_terminated(
    place: Place, upload: Upload, ending: signal.Signals
) -> None:
    settings = environment({**place.bucket.settings, **NOW, "SWEEP_INTERVAL_SECONDS": "1"})
    sweeper = subprocess.Popen([*COMMAND, "sweep"], cwd=place.folder, env=settings)
    with sweeper:
        try:
            for swept in (upload, Upload.start(upload.api)):
                place.make_stale(swept)
                wait_until_expired(swept)
            sweeper.send_signal(ending)
            assert sweeper.wait(PATIENCE_SECONDS) == 0
        finally:
            sweeper.kill()
