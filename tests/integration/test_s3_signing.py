"""What a real S3 makes of the URLs that are signed, and what the URLs say themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.application.ports import ObjectStore, SignedPart
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.testing.contract.sample_uploads import HOUR, KEY, Put, SampleUpload, opened

FORBIDDEN = 403
AWS = S3Config(
    bucket="bucket", region="eu-west-1", access_key_id="AKIATEST", secret_access_key="secret"
)


@pytest.fixture
async def store(strict_config: S3Config) -> AsyncIterator[ObjectStore]:
    async with open_s3_store(strict_config) as store:
        yield store


@pytest.fixture
async def upload(store: ObjectStore, put: Put) -> SampleUpload:
    return await opened(store, put)


@pytest.mark.integration
class TestRefusals:
    """Each on a server that checks signatures; the part must not be there afterwards."""

    async def refused(
        self, http: httpx.AsyncClient, upload: SampleUpload, url: str, body: bytes = b"hello"
    ) -> bool:
        answer = await http.put(url, content=body)
        parts = await upload.store.list_parts(*upload.address)
        return answer.status_code == FORBIDDEN and parts == []

    async def test_a_url_for_another_part_than_signed_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        url = (await upload.signed(1)).url
        assert await self.refused(http, upload, url.replace("partNumber=1", "partNumber=2"))

    async def test_a_url_with_a_longer_life_than_signed_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        url = (await upload.signed(1)).url
        assert await self.refused(http, upload, url.replace("Expires=3600", "Expires=7200"))

    async def test_a_url_for_another_key_than_signed_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        url = (await upload.signed(1)).url
        assert await self.refused(http, upload, url.replace("alice", "mallory"))

    async def test_a_url_without_a_signature_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        url = (await upload.signed(1)).url
        assert await self.refused(http, upload, url.partition("&X-Amz-Algorithm")[0])

    async def test_a_url_is_refused_after_its_end(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        second = timedelta(seconds=1)
        signed = await upload.store.sign_part(*upload.address, 1, expires_in=second)
        await asyncio.sleep((signed.expires_at - datetime.now(UTC) + second).total_seconds())
        assert await self.refused(http, upload, signed.url)

    @pytest.mark.parametrize("body", [b"four", b"longer", b""])
    async def test_bytes_of_another_length_than_signed_are_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload, body: bytes
    ) -> None:
        signed = await upload.store.sign_part(*upload.address, 1, expires_in=HOUR, content_length=5)
        assert await self.refused(http, upload, signed.url, body)


async def signed_on(config: S3Config, expires_in: timedelta = HOUR) -> SignedPart:
    """Sign a part; nobody is asked, so the host need not exist."""
    async with open_s3_store(config) as store:
        return await store.sign_part(KEY, "2~abc", 7, expires_in=expires_in)


async def test_on_aws_a_url_names_the_buckets_own_regional_host() -> None:
    url = urlsplit((await signed_on(AWS)).url)
    assert (url.scheme, url.netloc) == ("https", "bucket.s3.eu-west-1.amazonaws.com")
    assert url.path == f"/{KEY}"


async def test_on_another_store_a_url_names_the_bucket_in_its_path() -> None:
    signed = await signed_on(replace(AWS, endpoint_url="http://minio:9000"))
    assert signed.url.startswith(f"http://minio:9000/bucket/{KEY}?")


async def test_a_url_is_signed_for_the_host_that_clients_see() -> None:
    public = replace(
        AWS, endpoint_url="http://minio:9000", public_endpoint_url="https://files.example.com"
    )
    assert (await signed_on(public)).url.startswith(f"https://files.example.com/bucket/{KEY}?")


async def test_a_url_is_signed_by_version_4_for_the_part_alone() -> None:
    query = parse_qs(urlsplit((await signed_on(AWS)).url).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert (query["partNumber"], query["uploadId"]) == (["7"], ["2~abc"])


async def test_the_end_of_a_urls_life_is_the_one_that_s3_reads_in_it() -> None:
    signed = await signed_on(AWS, expires_in=timedelta(days=8))
    query = parse_qs(urlsplit(signed.url).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert query["X-Amz-Expires"] == ["604800"]
    assert signed.expires_at == signed_at + timedelta(days=7)


async def test_static_credentials_with_a_token_sign_it_in() -> None:
    signed = await signed_on(replace(AWS, session_token="token"))
    assert "X-Amz-Security-Token=token" in signed.url


class TestCredentialsThatEnd:
    """They come from the usual chain, as on a machine with a role."""

    KEYLESS = replace(AWS, access_key_id=None, secret_access_key=None)

    def ending(self, monkeypatch: pytest.MonkeyPatch, left: timedelta) -> datetime:
        ends_at = datetime.now(UTC) + left
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAROLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
        monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", ends_at.isoformat())
        return ends_at

    async def test_a_url_does_not_outlive_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ends_at = self.ending(monkeypatch, timedelta(minutes=20))
        signed = await signed_on(self.KEYLESS)
        assert ends_at - timedelta(seconds=3) < signed.expires_at <= ends_at
        assert "AKIAROLE" in signed.url

    async def test_a_url_may_live_shorter_than_they(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ending(monkeypatch, timedelta(hours=2))
        signed = await signed_on(self.KEYLESS)
        assert "X-Amz-Expires=3600" in signed.url

    async def test_they_are_renewed_before_a_url_is_signed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.ending(monkeypatch, timedelta(minutes=5))
        async with open_s3_store(self.KEYLESS) as store:
            renewed = self.ending(monkeypatch, timedelta(minutes=50))
            signed = await store.sign_part(KEY, "2~abc", 1, expires_in=HOUR)
            assert renewed - timedelta(seconds=3) < signed.expires_at <= renewed

    async def test_when_they_have_ended_the_store_is_unavailable(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.ending(monkeypatch, timedelta(minutes=5))
        async with open_s3_store(self.KEYLESS) as store:
            self.ending(monkeypatch, -timedelta(minutes=5))
            with pytest.raises(StoreUnavailableError):
                await store.sign_part(KEY, "2~abc", 1, expires_in=HOUR)
