"""Which origins may call the service and use the bucket."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers.minio import minio_dialect
from tests.servers.s3_kinds import S3Server
from tests.servers.s3_proxy import s3_proxy

from .bucket import Bucket
from .service import run_command, running_service

pytestmark = pytest.mark.e2e

APP = "https://app.example.org"


def preflight(api: httpx.Client, origin: str, method: str, headers: str) -> httpx.Headers:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return api.options("/s3/multipart/1", headers=asked).headers


class TestService:
    @pytest.fixture(scope="class")
    @classmethod
    def api(
        cls, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[httpx.Client]:
        settings = {
            **bucket.settings,
            "CORS_ALLOWED_ORIGINS": APP,
            "CORS_ALLOW_CREDENTIALS": "true",
            "CORS_ALLOWED_HEADERS": "X-CSRF-Token, X-Tenant",
        }
        folder = tmp_path_factory.mktemp("cors")
        with running_service(folder, settings) as service, service.client() as api:
            yield api

    def test_page_of_an_allowed_origin_may_make_the_requests_of_uppy(
        self, api: httpx.Client
    ) -> None:
        allowed = preflight(api, APP, "DELETE", "content-type,authorization,x-csrf-token")

        headers = {
            name.strip().lower() for name in allowed["access-control-allow-headers"].split(",")
        }
        assert allowed["access-control-allow-origin"] == APP
        assert allowed["access-control-allow-credentials"] == "true"
        assert {"GET", "POST", "DELETE"} <= set(allowed["access-control-allow-methods"].split(", "))
        assert {"content-type", "authorization", "x-csrf-token", "x-tenant"} <= headers

    def test_page_of_an_allowed_origin_may_read_an_error(self, api: httpx.Client) -> None:
        answer = api.get("/s3/sts", headers={"Origin": APP})

        assert answer.status_code == 400
        assert answer.headers["access-control-allow-origin"] == APP

    def test_page_of_another_origin_is_refused(self, api: httpx.Client) -> None:
        answer = preflight(api, "https://evil.example.org", "DELETE", "content-type")

        assert "access-control-allow-origin" not in answer


class TestCommand:
    @pytest.fixture
    def bucket(self, strict_s3: S3Server) -> Iterator[Bucket]:
        with Bucket.made_on(strict_s3) as bucket:
            yield bucket

    def run(self, folder: Path, bucket: Bucket, *arguments: str) -> tuple[int, str]:
        ended = run_command(folder, bucket.settings, "cors", *arguments)
        return ended.returncode, ended.stdout + ended.stderr

    def test_check_accepts_the_rule_that_apply_wrote(self, tmp_path: Path, bucket: Bucket) -> None:
        named = (bucket.name, "--origin", APP)

        before, said = self.run(tmp_path, bucket, "check", *named)
        assert before == 1
        assert "no CORS rules" in said
        assert f"cors apply {bucket.name}" in said

        assert self.run(tmp_path, bucket, "apply", *named)[0] == 0
        assert self.run(tmp_path, bucket, "apply", *named)[0] == 0

        after, said = self.run(tmp_path, bucket, "check", *named)
        assert after == 0, said
        assert bucket.name in said

    def test_command_advised_by_check_fixes_its_findings(
        self, tmp_path: Path, bucket: Bucket
    ) -> None:
        named = (bucket.name, "--origin", APP, "--origin", "https://b.example.net")
        _, said = self.run(tmp_path, bucket, "check", *named)

        advised = shlex.split(said.splitlines()[-1].partition("multipart-upload cors ")[2])

        assert self.run(tmp_path, bucket, *advised) == (
            0,
            f"Pages of {APP}, https://b.example.net may use the bucket {bucket.name}.\n",
        )
        assert self.run(tmp_path, bucket, "check", *named)[0] == 0

    def test_origins_allowed_by_the_server_need_no_rule(
        self, tmp_path: Path, bucket: Bucket
    ) -> None:
        with s3_proxy(bucket.server.endpoint_url) as proxy:
            proxy.faults.update(minio_dialect(bucket.client, bucket.name))
            settings = {**bucket.settings, "S3_ENDPOINT_URL": proxy.url}
            ended = run_command(tmp_path, settings, "cors", "check", bucket.name, "--origin", APP)

            assert ended.returncode == 0, ended.stdout
            assert ended.stdout == f"Pages of {APP} can use the bucket {bucket.name}.\n"

    def test_existing_rules_are_kept(self, tmp_path: Path, bucket: Bucket) -> None:
        theirs = {"ID": "theirs", "AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
        bucket.client.put_bucket_cors(Bucket=bucket.name, CORSConfiguration={"CORSRules": [theirs]})

        self.run(tmp_path, bucket, "apply", bucket.name, "--origin", APP)

        rules = bucket.client.get_bucket_cors(Bucket=bucket.name)["CORSRules"]
        assert [rule["AllowedOrigins"] for rule in rules] == [[APP], ["*"]]

    def test_rule_that_hides_a_header_is_reported(self, tmp_path: Path, bucket: Bucket) -> None:
        rule = {
            "AllowedOrigins": [APP],
            "AllowedMethods": ["PUT", "POST", "GET"],
            "AllowedHeaders": ["*"],
        }
        bucket.client.put_bucket_cors(Bucket=bucket.name, CORSConfiguration={"CORSRules": [rule]})

        code, said = self.run(tmp_path, bucket, "check", bucket.name, "--origin", APP)

        assert code == 1
        # Not the ETag, which versitygw exposes regardless of the rule.
        assert "does not expose Location" in said

    def test_missing_bucket_is_reported_in_one_line(self, tmp_path: Path, bucket: Bucket) -> None:
        code, said = self.run(tmp_path, bucket, "apply", "no-such-bucket", "--origin", APP)

        assert code == 1
        assert said.count("\n") == 1
        assert "no-such-bucket" in said

    @pytest.mark.parametrize("action", ["apply", "check"])
    def test_missing_origin_is_reported(self, tmp_path: Path, bucket: Bucket, action: str) -> None:
        code, said = self.run(tmp_path, bucket, action, bucket.name)

        assert code == 2
        assert "--origin" in said
        assert "CORS_ALLOWED_ORIGINS" in said
