"""The commands of compose.yaml and Dockerfile, run on real servers without Docker."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.servers.s3_kinds import S3Server
from tests.unit.test_compose import DOCKERFILE, read_script

from .bucket import Bucket
from .service import COMMAND, environment, running_service

pytestmark = pytest.mark.e2e


@pytest.fixture
def s3(versitygw: S3Server) -> S3Server:
    """Provide the S3 server of the profile `s3`."""
    return versitygw


def make_bucket(s3: S3Server, name: str, secret: str | None = None) -> tuple[int, str]:
    """Run the command of `s3-bucket`; return its exit code and output."""
    ended = subprocess.run(
        read_script("s3-bucket"),
        env={
            "PATH": os.environ["PATH"],
            "ADMIN_ACCESS_KEY_ID": s3.access_key,
            "ADMIN_SECRET_ACCESS_KEY": secret or s3.secret_key,
            "ADMIN_REGION": "us-east-1",
            "ADMIN_ENDPOINT_URL": s3.endpoint_url,
            "BUCKET": name,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_bucket_is_created_by_the_first_start_and_kept_by_the_second(s3: S3Server) -> None:
    for _ in range(2):
        assert make_bucket(s3, "of-compose") == (0, "The bucket of-compose is there.\n")


def test_bucket_that_cannot_be_created_ends_the_start(s3: S3Server) -> None:
    code, said = make_bucket(s3, "of-nobody", secret="wrong")

    assert code != 0
    assert "SignatureDoesNotMatch" in said


def health_check(port: int) -> int:
    """Run the image's health check; return its exit code."""
    (command,) = re.findall(r"^HEALTHCHECK .+\n +CMD (.+)$", DOCKERFILE, flags=re.MULTILINE)
    ended = subprocess.run(
        json.loads(command),
        env={"PATH": os.environ["PATH"], "PORT": str(port)},
        capture_output=True,
        check=False,
    )
    return ended.returncode


def test_health_check_of_the_image_uses_the_served_port(bucket: Bucket, tmp_path: Path) -> None:
    with running_service(tmp_path, bucket.settings) as service:
        port = int(service.url.rpartition(":")[2])
        assert health_check(port) == 0
        service.terminate()
        assert health_check(port) != 0


def test_serve_takes_its_port_from_the_environment(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, "PORT": "no-port"}
    ended = subprocess.run(
        [*COMMAND, "serve"],
        cwd=tmp_path,
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode != 0
    assert "no-port" in ended.stderr
