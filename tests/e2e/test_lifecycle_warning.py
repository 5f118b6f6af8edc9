"""The warning of `serve` about the bucket's rule for open uploads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.patience import wait_until
from tests.servers.s3_kinds import S3Server

from .bucket import Bucket
from .service import Service, running_service

pytestmark = pytest.mark.e2e

WARNING = "no lifecycle rule with AbortIncompleteMultipartUpload"


def wait_for(words: str, service: Service) -> None:
    wait_until(lambda: words in service.log, words)


def test_bucket_without_an_abort_rule_is_warned_about_once(moto: S3Server, tmp_path: Path) -> None:
    with Bucket.made_on(moto) as bucket, running_service(tmp_path, bucket.settings) as service:
        wait_for(WARNING, service)
        assert service.log.count(WARNING) == 1


def test_bucket_with_a_good_rule_is_not_mentioned(moto: S3Server, tmp_path: Path) -> None:
    with Bucket.made_on(moto) as bucket:
        rule = {
            "ID": "abandoned",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
        bucket.client.put_bucket_lifecycle_configuration(
            Bucket=bucket.name, LifecycleConfiguration={"Rules": [rule]}
        )
        with running_service(tmp_path, {**bucket.settings, "LOG_LEVEL": "DEBUG"}) as service:
            assert service.terminate() in {0, -15}
            assert "lifecycle" not in service.log


def test_bucket_with_unreadable_rules_does_not_prevent_serving(tmp_path: Path) -> None:
    settings = {
        "S3_BUCKET_NAME": "uploads",
        "S3_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    with running_service(tmp_path, settings) as service:
        wait_for("lifecycle rules of the bucket cannot be read", service)
