"""What `cors check` reports on a real server, and on stores with other forms of CORS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.session import get_session

from multipart_upload.adapters.s3 import S3Config
from multipart_upload.adapters.s3.cors import apply_cors
from multipart_upload.adapters.s3.cors_check import check_cors
from multipart_upload.domain.errors import UploadError
from tests.servers.minio import minio_dialect
from tests.servers.s3_proxy import Forward, S3Proxy, S3Request, cut_before
from tests.servers.scripted_server import s3_error

pytestmark = pytest.mark.integration

APP = "https://app.example.org"
ORIGINS = [APP, "https://*.example.net"]


@pytest.fixture
async def client(strict_config: S3Config) -> AsyncIterator[Any]:
    client: Any = get_session().create_client(
        "s3",
        region_name=strict_config.region,
        endpoint_url=strict_config.endpoint_url,
        aws_access_key_id=strict_config.access_key_id,
        aws_secret_access_key=strict_config.secret_access_key,
    )
    yield client
    client.close()


@pytest.fixture
async def proxy(strict_config: S3Config) -> AsyncIterator[S3Proxy]:
    async with S3Proxy.open(strict_config.endpoint_url or "") as proxy:
        yield proxy


@pytest.fixture
def config(strict_config: S3Config, proxy: S3Proxy) -> S3Config:
    """Provide a bucket behind the proxy, for the service and for browsers."""
    return replace(strict_config, endpoint_url=proxy.url)


async def forbidden(_: S3Request, __: Forward) -> bytes:
    return s3_error("403 Forbidden", "AccessDenied")


async def not_implemented(_: S3Request, __: Forward) -> bytes:
    return s3_error("501 Not Implemented", "NotImplemented")


async def test_our_rule_allows_what_pages_need(config: S3Config, client: Any) -> None:
    await apply_cors(config, ORIGINS)
    report = await check_cors(config, ORIGINS)
    assert (report.problems, report.notes, report.hint) == ([], [], None)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=config.bucket)


async def test_a_bucket_without_rules_lacks_our_rule(config: S3Config) -> None:
    report = await check_cors(config, ORIGINS)
    assert report.problems == ["The bucket has no CORS rules: no page can send it anything."]
    assert report.is_rule_missing


async def test_origins_that_the_server_settings_allow_have_no_problems(
    config: S3Config, proxy: S3Proxy, client: Any
) -> None:
    dialect = minio_dialect(client, config.bucket)
    proxy.faults.update(dialect)
    report = await check_cors(config, ["*", *ORIGINS])
    assert (report.problems, report.hint) == ([], None)


async def test_no_rule_is_advised_if_the_store_has_none(
    config: S3Config, proxy: S3Proxy, client: Any
) -> None:
    proxy.faults.update(minio_dialect(client, config.bucket))
    proxy.faults["OPTIONS"] = forbidden
    report = await check_cors(config, ORIGINS)
    assert report.problems
    assert not report.is_rule_missing
    assert "settings of its server" in str(report.hint)
    with pytest.raises(UploadError):
        await apply_cors(config, ORIGINS)


@pytest.mark.parametrize("operation", ["GetBucketCors", "PutBucketCors"])
async def test_no_rule_is_advised_if_the_credentials_may_not_write_it(
    config: S3Config, proxy: S3Proxy, operation: str
) -> None:
    proxy.faults[operation] = forbidden
    report = await check_cors(config, ORIGINS)
    assert report.problems
    assert not report.is_rule_missing
    assert "s3:PutBucketCORS" in str(report.hint)


@pytest.mark.parametrize("fault", [forbidden, not_implemented])
async def test_unreadable_rules_do_not_matter_if_browsers_are_allowed(
    config: S3Config, proxy: S3Proxy, fault: Any
) -> None:
    await apply_cors(config, ORIGINS)
    proxy.faults["GetBucketCors"] = fault
    report = await check_cors(config, ORIGINS)
    assert (report.problems, report.hint) == ([], None)


async def test_no_rule_is_advised_if_a_proxy_answers_preflights(
    config: S3Config, proxy: S3Proxy
) -> None:
    await apply_cors(config, ORIGINS)
    proxy.faults["OPTIONS"] = forbidden
    report = await check_cors(config, [APP])
    assert len(report.problems) == 3
    assert f"refuses PUT from {APP}" in report.problems[0]
    assert "403" in report.problems[0]
    assert not report.is_rule_missing
    assert "proxy" in str(report.hint)


async def test_a_hidden_etag_is_found_by_sending_a_part(config: S3Config, proxy: S3Proxy) -> None:
    await apply_cors(config, [APP])

    async def hide_headers(_: S3Request, forward: Forward) -> bytes:
        return (await forward()).replace(b"Access-Control-Expose-Headers", b"X-Hidden")

    proxy.faults["PUT"] = hide_headers
    report = await check_cors(config, [APP])
    assert ["does not expose ETag" in problem for problem in report.problems] == [True]


async def test_exposed_headers_are_read_from_the_rule_if_no_part_can_be_sent(
    config: S3Config, proxy: S3Proxy, client: Any
) -> None:
    rule = {"AllowedOrigins": [APP], "AllowedMethods": ["PUT", "POST", "GET"]}
    rules = {"CORSRules": [{**rule, "AllowedHeaders": ["*"]}]}
    client.put_bucket_cors(Bucket=config.bucket, CORSConfiguration=rules)
    proxy.faults["CreateMultipartUpload"] = forbidden
    report = await check_cors(config, [APP])
    assert [problem.split(" does not ")[1].split(":")[0] for problem in report.problems] == [
        "expose ETag",
        "expose Location",
    ]
    assert report.is_rule_missing
    assert "unknown" in report.notes[0]


async def test_an_endpoint_that_does_not_answer_is_noted_and_the_rules_decide(
    config: S3Config, proxy: S3Proxy
) -> None:
    away = replace(config, public_endpoint_url="http://127.0.0.1:1")
    report = await check_cors(away, [APP])
    assert report.is_rule_missing
    assert "127.0.0.1:1" in report.notes[0]
    await apply_cors(config, [APP])
    assert (await check_cors(away, [APP])).problems == []
    proxy.faults["OPTIONS"] = cut_before
    assert (await check_cors(config, [APP])).problems == []


async def test_a_missing_bucket_is_an_error(config: S3Config) -> None:
    with pytest.raises(UploadError, match="NoSuchBucket"):
        await check_cors(replace(config, bucket="no-such-bucket"), [APP])
