"""Presigned URLs that botocore would sign in the same way, and the credentials that sign them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, Final

import pytest
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.config import Config
from botocore.session import get_session
from hypothesis import given, settings
from hypothesis import strategies as st

from multipart_upload.adapters.s3 import S3Config
from multipart_upload.adapters.s3.client import create_session
from multipart_upload.adapters.s3.limits import MAX_PART_COUNT, MAX_PART_SIZE, MAX_URL_SECONDS
from multipart_upload.adapters.s3.presigner import Presigner, resolve_bucket_url
from multipart_upload.testing.contract.sample_uploads import HOUR, KEY

NOW: Final = datetime(2026, 3, 29, 0, 59, 59, 999_000, tzinfo=UTC)
CONFIG: Final = S3Config(
    bucket="bucket", region="eu-west-1", access_key_id="AKIATEST", secret_access_key="secret/+"
)
PLACES: Final = (
    CONFIG,
    replace(CONFIG, region="us-east-1"),
    replace(CONFIG, region="aws-global"),
    replace(CONFIG, region="cn-north-1"),
    # Neither fits into a host name: botocore puts both into the path.
    replace(CONFIG, bucket="bucket.with.dots"),
    replace(CONFIG, bucket="Bucket_2"),
    replace(CONFIG, endpoint_url="http://minio:9000"),
    replace(CONFIG, endpoint_url="http://MinIO:80/"),
    replace(CONFIG, endpoint_url="https://files.example.com:443/a base%20path/é/"),
    replace(CONFIG, endpoint_url="http://[::1]:9000"),
    replace(CONFIG, endpoint_url="http://inside:1", public_endpoint_url="https://outside.example"),
)
# Characters that percent-encoding and paths often get wrong are tried more often than others.
TEXT: Final = st.text(
    st.one_of(st.sampled_from(" +~/.%?#&=;'()*é漢🏝\n\t"), st.characters(codec="utf-8")), min_size=1
)


@cache
def botocore_client(place: S3Config, token: str | None) -> Any:
    url = place.public_endpoint_url or place.endpoint_url
    return get_session().create_client(
        "s3",
        region_name=place.region,
        endpoint_url=url,
        aws_access_key_id=place.access_key_id,
        aws_secret_access_key=place.secret_access_key,
        aws_session_token=token,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if url else "virtual"},
            request_checksum_calculation="when_required",
        ),
    )


@cache
def presigner_for(place: S3Config) -> Presigner:
    return Presigner(create_session(place), resolve_bucket_url(place))


def presigner_at(now: datetime) -> Presigner:
    return Presigner(create_session(CONFIG), resolve_bucket_url(CONFIG), lambda: now)


def same_url(url: str, other: str) -> bool:
    """Compare URLs whose parameters may have another order, in which S3 sorts them anyway."""
    location, _, query = url.partition("?")
    other_location, _, other_query = other.partition("?")
    return (location, sorted(query.split("&"))) == (other_location, sorted(other_query.split("&")))


@settings(deadline=None, max_examples=100)
@given(
    place=st.sampled_from(PLACES),
    token=st.sampled_from([None, "token", "IQoJb3JpZ2lu//+= é"]),
    key=st.one_of(TEXT, st.sampled_from(["/lead", "a//b", "./a/../b/.", "a/", "%2E%2E/x", KEY])),
    store_upload_id=TEXT,
    number=st.integers(1, MAX_PART_COUNT),
    length=st.one_of(st.none(), st.integers(0, MAX_PART_SIZE)),
    seconds=st.integers(1, MAX_URL_SECONDS),
    now=st.datetimes(datetime(2013, 1, 1), datetime(2099, 1, 1)),  # noqa: DTZ001
)
def test_a_url_has_the_signature_that_botocore_computes(
    *,
    place: S3Config,
    token: str | None,
    key: str,
    store_upload_id: str,
    number: int,
    length: int | None,
    seconds: int,
    now: datetime,
) -> None:
    params = {"Bucket": place.bucket, "Key": key, "UploadId": store_upload_id, "PartNumber": number}
    if length is not None:
        params["ContentLength"] = length
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: now)
        expected = botocore_client(place, token).generate_presigned_url(
            "upload_part", Params=params, ExpiresIn=seconds
        )
    presigner = replace(
        presigner_for(replace(place, session_token=token)), now=lambda: now.replace(tzinfo=UTC)
    )
    lifetime = timedelta(seconds=seconds)
    signed = asyncio.run(presigner.sign_part(key, store_upload_id, number, lifetime, length))
    assert same_url(signed.url, expected)
    if length is None:
        many = asyncio.run(presigner.sign_parts(key, store_upload_id, [number], lifetime, None))
        assert many.urls == {number: signed.url}


@pytest.mark.parametrize("key", [KEY, "наш отпуск/+ ~//🏝?.mp4"])
@pytest.mark.parametrize("place", PLACES)
def test_a_location_is_the_url_that_botocore_signs(place: S3Config, key: str) -> None:
    signed = botocore_client(place, None).generate_presigned_url(
        "get_object", Params={"Bucket": place.bucket, "Key": key}
    )
    assert presigner_for(place).location(key) == signed.partition("?")[0]


async def test_a_url_expires_at_the_whole_second_that_s3_reads() -> None:
    signed = await presigner_at(NOW).sign_part(KEY, "2~abc", 1, HOUR, None)
    assert "X-Amz-Date=20260329T005959Z" in signed.url
    assert signed.expires_at == NOW.replace(microsecond=0) + HOUR


async def test_each_second_is_signed_with_its_own_time() -> None:
    times = [NOW, NOW + timedelta(milliseconds=1), NOW + timedelta(seconds=1)]
    ticking = iter([*times, times[0]])
    presigner = replace(presigner_at(NOW), now=lambda: next(ticking))
    ends = [(await presigner.sign_part(KEY, "2~abc", 1, HOUR, None)).expires_at for _ in range(4)]
    # The clock may also go back.
    seconds = [0, 1, 1, 0]
    assert ends == [
        NOW.replace(microsecond=0) + HOUR + timedelta(seconds=second) for second in seconds
    ]


async def test_different_lifetimes_do_not_mix_within_a_second() -> None:
    presigner = presigner_at(NOW)
    for lifetime in (HOUR, 2 * HOUR, HOUR):
        signed = await presigner.sign_part(KEY, "2~abc", 1, lifetime, None)
        assert f"X-Amz-Expires={lifetime.total_seconds():.0f}&" in signed.url


class RotatingRole:
    """Issue keys that expire after the given lifetimes, one after another."""

    def __init__(self, *lifetimes: timedelta) -> None:
        self.issued = 0
        self._lifetimes = iter(lifetimes)

    async def renew(self) -> dict[str, str]:
        self.issued += 1
        return {
            "access_key": f"ASIA{self.issued}",
            "secret_key": f"secret-{self.issued}",
            "token": f"token-{self.issued}",
            "expiry_time": (datetime.now(UTC) + next(self._lifetimes)).isoformat(),
        }

    async def presigner(self) -> Presigner:
        session = AioSession()
        credentials = AioRefreshableCredentials.create_from_metadata(
            metadata=await self.renew(), refresh_using=self.renew, method="test"
        )
        # As AioSession.set_credentials sets static ones.
        vars(session)["_credentials"] = credentials
        steps = count()
        # Every URL is signed in a second of its own, without waiting for it.
        return replace(
            presigner_at(NOW),
            session=session,
            now=lambda: datetime.now(UTC) + timedelta(seconds=next(steps)),
        )


async def test_credentials_that_expire_soon_are_renewed_and_the_new_ones_sign() -> None:
    role = RotatingRole(timedelta(minutes=5), timedelta(hours=6))
    signed = await (await role.presigner()).sign_part(KEY, "2~abc", 1, HOUR, None)
    assert "X-Amz-Credential=ASIA2%2F" in signed.url
    assert "X-Amz-Security-Token=token-2&" in signed.url


async def test_credentials_rotate_under_a_running_service() -> None:
    role = RotatingRole(*[timedelta(minutes=5)] * 3, timedelta(hours=6))
    presigner = await role.presigner()
    urls = [(await presigner.sign_part(KEY, "2~abc", 1, HOUR, None)).url for _ in range(4)]
    signers = [url.partition("Credential=")[2].partition("%")[0] for url in urls]
    assert signers == ["ASIA2", "ASIA3", "ASIA4", "ASIA4"]


async def test_credentials_are_read_once_per_second() -> None:
    role = RotatingRole(*[timedelta(minutes=5)] * 9)
    presigner = replace(await role.presigner(), now=lambda: NOW)
    for number in range(1, 6):
        await presigner.sign_part(KEY, "2~abc", number, timedelta(seconds=9), None)
    assert role.issued == 2
