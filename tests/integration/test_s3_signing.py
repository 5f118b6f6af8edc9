"""Presigned part URLs: which requests S3 servers accept and refuse, and what the URLs contain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.application.ports import ObjectStore, SignedPart
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.domain.object_key import object_key
from multipart_upload.testing.contract.sample_uploads import (
    HOUR,
    KEY,
    Put,
    SampleUpload,
    new_object,
    open_upload,
)
from tests.patience import PATIENCE_SECONDS

FORBIDDEN = 403
# Characters that percent-encoding and paths often get wrong are tried more often than others.
TEXT = st.text(
    st.one_of(
        st.sampled_from(" +~/.%?#&=;:@$,!'()*é漢🏝"),
        st.characters(codec="utf-8", exclude_categories=["Cc"]),
    ),
    min_size=1,
    max_size=30,
)
AWS = S3Config(
    bucket="bucket", region="eu-west-1", access_key_id="AKIATEST", secret_access_key="secret"
)


@pytest.fixture
async def store(strict_config: S3Config) -> AsyncIterator[ObjectStore]:
    async with open_s3_store(strict_config) as store:
        yield store


@pytest.fixture
async def upload(store: ObjectStore, put: Put) -> SampleUpload:
    return await open_upload(store, put)


@pytest.mark.integration
class TestRefusals:
    """On a server that checks signatures; it must not have stored the part."""

    async def is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload, url: str, body: bytes = b"hello"
    ) -> bool:
        answer = await http.put(url, content=body)
        parts = await upload.store.list_parts(*upload.key_and_id)
        return answer.status_code == FORBIDDEN and parts == []

    async def test_another_part_number_than_signed_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        url = (await upload.sign(1)).url
        assert await self.is_refused(http, upload, url.replace("partNumber=1", "partNumber=2"))

    async def test_a_longer_lifetime_than_signed_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        url = (await upload.sign(1)).url
        assert await self.is_refused(http, upload, url.replace("Expires=3600", "Expires=7200"))

    async def test_another_key_than_signed_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        url = (await upload.sign(1)).url
        assert await self.is_refused(http, upload, url.replace("alice", "mallory"))

    async def test_a_url_without_a_signature_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        location, _, query = (await upload.sign(1)).url.partition("?")
        unsigned = [name for name in query.split("&") if not name.startswith("X-Amz-")]
        assert len(unsigned) == 2
        assert await self.is_refused(http, upload, f"{location}?{'&'.join(unsigned)}")

    async def test_an_expired_url_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload
    ) -> None:
        second = timedelta(seconds=1)
        signed = await upload.store.sign_part(*upload.key_and_id, 1, expires_in=second)
        await asyncio.sleep((signed.expires_at - datetime.now(UTC) + second).total_seconds())
        assert await self.is_refused(http, upload, signed.url)

    @pytest.mark.parametrize("body", [b"four", b"longer", b""])
    async def test_another_length_than_signed_is_refused(
        self, http: httpx.AsyncClient, upload: SampleUpload, body: bytes
    ) -> None:
        signed = await upload.store.sign_part(
            *upload.key_and_id, 1, expires_in=HOUR, content_length=5
        )
        assert await self.is_refused(http, upload, signed.url, body)


@pytest.mark.integration
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(user=TEXT, filename=TEXT, with_length=st.booleans())
def test_s3_accepts_the_urls_of_every_key(
    strict_config: S3Config, user: str, filename: str, *, with_length: bool
) -> None:
    async def put_part(key: str) -> None:
        async with (
            open_s3_store(strict_config) as store,
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS, verify=False) as http,  # noqa: S501
        ):
            address = key, (await store.create_upload(new_object(key))).store_upload_id
            signed = await store.sign_part(
                *address, 1, expires_in=HOUR, content_length=5 if with_length else None
            )
            await http.put(signed.url, content=b"hello", headers=dict(signed.headers))
            (part,) = await store.list_parts(*address)
            assert part.size == 5
            await store.abort_upload(*address)

    asyncio.run(put_part(object_key("uploads/", user, uuid4().hex, "0" * 16, filename)))


async def sign_on(config: S3Config, expires_in: timedelta = HOUR) -> SignedPart:
    """Sign a part; this sends no request, so the host need not exist."""
    async with open_s3_store(config) as store:
        return await store.sign_part(KEY, "2~abc", 7, expires_in=expires_in)


async def test_a_url_for_aws_has_the_regional_host_of_the_bucket() -> None:
    url = urlsplit((await sign_on(AWS)).url)
    assert (url.scheme, url.netloc) == ("https", "bucket.s3.eu-west-1.amazonaws.com")
    assert url.path == f"/{KEY}"


async def test_a_url_for_another_store_has_the_bucket_in_its_path() -> None:
    signed = await sign_on(replace(AWS, endpoint_url="http://minio:9000"))
    assert signed.url.startswith(f"http://minio:9000/bucket/{KEY}?")


async def test_a_url_has_the_host_that_clients_see() -> None:
    public = replace(
        AWS, endpoint_url="http://minio:9000", public_endpoint_url="https://files.example.com"
    )
    assert (await sign_on(public)).url.startswith(f"https://files.example.com/bucket/{KEY}?")


async def test_a_url_is_signed_by_version_4_for_one_part() -> None:
    query = parse_qs(urlsplit((await sign_on(AWS)).url).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert (query["partNumber"], query["uploadId"]) == (["7"], ["2~abc"])


async def test_the_expiry_of_a_url_is_the_one_that_s3_reads_in_it() -> None:
    signed = await sign_on(AWS, expires_in=timedelta(days=8))
    query = parse_qs(urlsplit(signed.url).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert query["X-Amz-Expires"] == ["604800"]
    assert signed.expires_at == signed_at + timedelta(days=7)


async def test_a_url_contains_the_session_token_of_static_credentials() -> None:
    signed = await sign_on(replace(AWS, session_token="token"))
    assert "X-Amz-Security-Token=token" in signed.url


class TestTemporaryCredentials:
    """From the usual chain, as on a machine with a role."""

    KEYLESS = replace(AWS, access_key_id=None, secret_access_key=None)

    def set_credentials(self, monkeypatch: pytest.MonkeyPatch, lifetime: timedelta) -> datetime:
        expiry = datetime.now(UTC) + lifetime
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAROLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
        monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", expiry.isoformat())
        return expiry

    async def test_a_url_does_not_outlive_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        expiry = self.set_credentials(monkeypatch, timedelta(minutes=20))
        signed = await sign_on(self.KEYLESS)
        assert expiry - timedelta(seconds=3) < signed.expires_at <= expiry
        assert "AKIAROLE" in signed.url

    async def test_a_url_may_expire_before_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.set_credentials(monkeypatch, timedelta(hours=2))
        signed = await sign_on(self.KEYLESS)
        assert "X-Amz-Expires=3600" in signed.url

    async def test_they_are_renewed_before_a_url_is_signed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.set_credentials(monkeypatch, timedelta(minutes=5))
        async with open_s3_store(self.KEYLESS) as store:
            renewed = self.set_credentials(monkeypatch, timedelta(minutes=50))
            signed = await store.sign_part(KEY, "2~abc", 1, expires_in=HOUR)
            assert renewed - timedelta(seconds=3) < signed.expires_at <= renewed

    async def test_the_store_is_unavailable_after_they_expired(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.set_credentials(monkeypatch, timedelta(minutes=5))
        async with open_s3_store(self.KEYLESS) as store:
            self.set_credentials(monkeypatch, -timedelta(minutes=5))
            with pytest.raises(StoreUnavailableError):
                await store.sign_part(KEY, "2~abc", 1, expires_in=HOUR)
