"""The origin that the web page may send requests to is that of the signed URLs."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.adapters.s3.presigner import public_origin

CONFIGS = {
    "AWS": S3Config(bucket="uploads", region="eu-west-1"),
    "the default region": S3Config(bucket="uploads", region="us-east-1"),
    "China": S3Config(bucket="uploads", region="cn-north-1"),
    "a bucket with dots": S3Config(bucket="up.loads", region="eu-west-1"),
    "another store": S3Config(
        bucket="uploads", region="us-east-1", endpoint_url="http://127.0.0.1:9000/s3"
    ),
    "a public endpoint": S3Config(
        bucket="uploads",
        region="us-east-1",
        endpoint_url="http://s3:9000",
        public_endpoint_url="https://files.example.org",
    ),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
async def test_the_public_origin_is_that_of_signed_urls(
    config: S3Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    async with open_s3_store(config) as store:
        signed = await store.sign_part("key", "upload", 1, expires_in=timedelta(hours=1))
        url = urlsplit(signed.url)

        assert public_origin(config) == f"{url.scheme}://{url.netloc}"


def test_the_public_origin_needs_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    assert public_origin(CONFIGS["AWS"]) == "https://uploads.s3.eu-west-1.amazonaws.com"
