"""Start logs what it uses, waits for unavailable servers, and names invalid settings."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.servers.mongodb_kinds import MongoServer, free_port
from tests.servers.s3_kinds import S3Server

from .bucket import Bucket
from .service import Service, run_command, running_service
from .upload import Upload, answer, problem

pytestmark = pytest.mark.e2e

PASSWORD = "s3cr3t-passw0rd"


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def wait_until_ready(service: Service) -> None:
    with service.client_without_retries() as api:
        wait_until(lambda: api.get("/health/ready").is_success, "not ready")


def test_start_waits_for_a_database_that_is_away(
    own_mongo_server: MongoServer, bucket: Bucket, tmp_path: Path
) -> None:
    own_mongo_server.stop()
    settings = {**bucket.settings, "MONGO_URI": own_mongo_server.uri}
    with running_service(tmp_path, settings) as service, service.client_without_retries() as api:
        assert answer(api.get("/health/live")) == {"status": "ok"}
        for refused in (api.get("/health/ready"), api.get("/api/uploads?user_id=alice")):
            problem(refused, 503, "repository-unavailable")
            assert int(refused.headers["retry-after"]) >= 1
        own_mongo_server.start()
        wait_until_ready(service)
        Upload.start(api, size=1)
        assert service.process.poll() is None
        assert "Not ready: MongoDB at " in service.log
        assert service.log.rindex("Ready: ") > service.log.index("Not ready: ")


def test_start_waits_for_a_bucket_that_is_away(versitygw: S3Server, tmp_path: Path) -> None:
    with Bucket.made_on(versitygw) as bucket:
        versitygw.stop()
        try:
            with (
                running_service(tmp_path, bucket.settings) as service,
                service.client_without_retries() as api,
            ):
                assert answer(api.get("/health/live")) == {"status": "ok"}
                refused = api.get("/health/ready")
                problem(refused, 503, "store-unavailable")
                assert int(refused.headers["retry-after"]) >= 1
                versitygw.start()
                wait_until_ready(service)
                Upload.start(api, size=1)
        finally:
            versitygw.start()


def test_sigterm_ends_a_start_that_still_waits(bucket: Bucket, tmp_path: Path) -> None:
    uri = f"mongodb://alice:{PASSWORD}@127.0.0.1:{free_port()}/uploads"
    with running_service(tmp_path, {**bucket.settings, "MONGO_URI": uri}) as service:
        assert service.terminate() in {0, -15}
        line = next(line for line in service.log.splitlines() if "Not ready" in line)
        assert re.search(r"MongoDB at 127\.0\.0\.1:\d+/uploads \(MONGO_URI\): .*Errno 111", line)
        assert PASSWORD not in service.log


def test_start_says_what_is_in_use_and_no_secret(bucket: Bucket, tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://alice:{PASSWORD}@127.0.0.1:{free_port()}/uploads"
    settings = {**bucket.settings, "DATABASE_URL": url}
    with running_service(tmp_path, settings) as service:
        (line,) = (line for line in service.log.splitlines() if "Starting with" in line)
        assert "PostgreSQL at 127.0.0.1:" in line
        assert "/uploads (DATABASE_URL)" in line
        assert f"{bucket.name} at {bucket.settings['S3_ENDPOINT_URL']} (S3_BUCKET_NAME)" in line
        assert "not authenticated" in line
        assert PASSWORD not in service.log
        assert bucket.settings["AWS_SECRET_ACCESS_KEY"] not in service.log


@pytest.mark.parametrize("command", ["serve", "sweep"])
@pytest.mark.parametrize(
    ("settings", "sentences"),
    [
        ({"DATABASE_URL": ""}, ["MONGO_URI or DATABASE_URL: set one"]),
        (
            {"DATABASE_URL": "", "MONGO_URL": f"mongodb://alice:{PASSWORD}@db/uploads"},
            ["MONGO_URI or DATABASE_URL: set one", "MONGO_URL is set, did you mean MONGO_URI?"],
        ),
        (
            {"S3_BUCKET_NAME": "", "S3_BUCKET": "uploads"},
            ["S3_BUCKET_NAME: is required", "S3_BUCKET is set, did you mean S3_BUCKET_NAME?"],
        ),
    ],
)
def test_missing_setting_is_refused_with_what_may_have_been_meant(
    command: str, settings: Mapping[str, str], sentences: list[str], tmp_path: Path
) -> None:
    run = run_command(tmp_path, {"S3_BUCKET_NAME": "uploads", **settings}, command)
    assert run.returncode == 1
    assert all(sentence in run.stderr for sentence in sentences), run.stderr
    assert PASSWORD not in run.stderr
    assert not list(tmp_path.iterdir())


def test_misspelt_optional_setting_is_named(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, "SIGNED_URL_SECOND": "60"}
    with running_service(tmp_path, settings) as service:
        assert "SIGNED_URL_SECOND is set" in service.log
        assert "Did you mean SIGNED_URL_SECONDS?" in service.log


def test_setting_misspelt_in_the_env_file_is_named(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MONGODB_URI=mongodb://127.0.0.1/uploads\n")
    with running_service(tmp_path, bucket.settings) as service:
        assert "MONGODB_URI is set" in service.log
        assert "Did you mean MONGO_URI?" in service.log


def test_sweep_names_the_database_that_is_away(bucket: Bucket, tmp_path: Path) -> None:
    uri = f"mongodb://alice:{PASSWORD}@127.0.0.1:{free_port()}/uploads"
    run = run_command(tmp_path, {**bucket.settings, "MONGO_URI": uri}, "sweep", "--once")
    assert run.returncode == 1
    assert re.search(r"MongoDB at 127\.0\.0\.1:\d+/uploads \(MONGO_URI\): .*Errno 111", run.stderr)
    assert PASSWORD not in run.stderr


@pytest.mark.parametrize(
    ("settings", "reason", "setting"),
    [
        ({"S3_BUCKET_NAME": "no-such-bucket"}, "bucket-missing", "S3_BUCKET_NAME"),
        ({"AWS_SECRET_ACCESS_KEY": PASSWORD}, "access-denied", "credentials are refused"),
        (
            {
                "AWS_ACCESS_KEY_ID": "",
                "AWS_SECRET_ACCESS_KEY": "",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            "credentials-missing",
            "AWS_ACCESS_KEY_ID",
        ),
    ],
)
def test_misconfigured_bucket_is_named_without_asking_for_a_retry(
    settings: Mapping[str, str], reason: str, setting: str, versitygw: S3Server, tmp_path: Path
) -> None:
    with (
        Bucket.made_on(versitygw) as bucket,
        running_service(tmp_path, {**bucket.settings, **settings}) as service,
        service.client_without_retries() as api,
    ):
        refused = api.get("/health/ready")
        problem(refused, 500, "store-misconfigured")
        assert refused.json()["reason"] == reason
        start = {"user_id": "alice", "filename": "a", "content_type": "text/plain"}
        for answered in (refused, api.post("/api/start-upload", json=start)):
            problem(answered, 500, "store-misconfigured")
            assert "retry-after" not in answered.headers
        assert answer(api.get("/health/live")) == {"status": "ok"}
        wait_until(lambda: "Not ready" in service.log, "no reason in the log")
        (line, *_) = (line for line in service.log.splitlines() if "Not ready" in line)
        assert setting in line
        assert PASSWORD not in service.log


def test_wrong_mongodb_password_is_named_without_asking_for_a_retry(
    own_mongo_server: MongoServer, bucket: Bucket, tmp_path: Path
) -> None:
    uri = own_mongo_server.uri.replace("mongodb://", f"mongodb://alice:{PASSWORD}@", 1)
    with (
        running_service(tmp_path, {**bucket.settings, "MONGO_URI": uri}) as service,
        service.client_without_retries() as api,
    ):
        refused = api.get("/health/ready")
        problem(refused, 500, "repository-misconfigured")
        assert refused.json()["reason"] == "authentication-failed"
        assert "retry-after" not in refused.headers
        assert "(MONGO_URI): the user or the password is refused" in service.log
        assert PASSWORD not in service.log
