"""Presigned forms: which requests S3 servers accept and refuse, and what the forms contain."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.application.ports import ObjectStore, SignedPost
from multipart_upload.testing.contract.sample_uploads import HOUR, KEY, Post, new_object
from tests.patience import PATIENCE_SECONDS

LIMIT = 10
AWS = S3Config(
    bucket="bucket", region="eu-west-1", access_key_id="AKIATEST", secret_access_key="secret"
)


@pytest.fixture
async def store(strict_config: S3Config) -> AsyncIterator[ObjectStore]:
    async with open_s3_store(strict_config) as store:
        yield store


@pytest.fixture
async def signed(store: ObjectStore) -> SignedPost:
    return await store.sign_post(new_object(author="Zoë"), max_size=LIMIT, expires_in=HOUR)


@pytest.mark.integration
class TestRefusals:
    """On a server that checks policies; it must not have stored the object."""

    async def test_a_file_that_is_too_large_is_refused(
        self, store: ObjectStore, signed: SignedPost, post: Post
    ) -> None:
        assert not await post(signed, b"x" * (LIMIT + 1))
        assert await store.head_object(KEY) is None

    @pytest.mark.parametrize(
        "forged",
        [
            {"key": "uploads/mallory/film.mp4"},
            {"content-type": "text/html"},
            {"content-disposition": "inline"},
            {"success_action_status": "200"},
            {"x-amz-meta-multipart-upload-id": "forged"},
            {"x-amz-meta-author": "mallory"},
            {"x-amz-meta-more": "1"},
            {"acl": "public-read"},
            {"policy": ""},
            {"x-amz-signature": "0" * 64},
        ],
        ids=lambda forged: next(iter(forged)),
    )
    async def test_a_field_that_differs_from_the_signed_one_is_refused(
        self, store: ObjectStore, signed: SignedPost, post: Post, forged: Mapping[str, str]
    ) -> None:
        assert not await post(replace(signed, fields={**signed.fields, **forged}), b"x")
        assert await store.head_object(KEY) is None

    async def test_an_expired_form_is_refused(self, store: ObjectStore, post: Post) -> None:
        second = timedelta(seconds=1)
        signed = await store.sign_post(new_object(), max_size=LIMIT, expires_in=second)
        await asyncio.sleep(2.1)
        assert not await post(signed, b"x")
        assert await store.head_object(KEY) is None


async def sign_on(config: S3Config, key: str = KEY) -> SignedPost:
    """Sign a form; this sends no request, so the host need not exist."""
    async with open_s3_store(config) as store:
        return await store.sign_post(new_object(key), max_size=LIMIT, expires_in=HOUR)


async def test_a_form_for_aws_has_the_regional_host_of_the_bucket() -> None:
    assert (await sign_on(AWS)).url == "https://bucket.s3.eu-west-1.amazonaws.com/"


async def test_the_url_of_a_form_for_another_store_ends_in_the_bucket_and_a_slash() -> None:
    public = replace(AWS, endpoint_url="http://minio:9000", public_endpoint_url="https://f.example")
    assert (await sign_on(public)).url == "https://f.example/bucket/"


async def test_a_form_contains_the_session_token_of_static_credentials() -> None:
    signed = await sign_on(replace(AWS, session_token="token"))
    assert signed.fields["x-amz-security-token"] == "token"


async def test_a_form_allows_only_its_key_though_s3_may_replace_the_end_of_that() -> None:
    key = "uploads/alice/1/${filename}"
    policy = json.loads(b64decode((await sign_on(AWS, key)).fields["policy"]))
    assert {"key": key} in policy["conditions"]


async def test_a_form_expires_when_its_policy_does() -> None:
    signed = await sign_on(AWS)
    policy = json.loads(b64decode(signed.fields["policy"]))
    expiration = datetime.fromisoformat(policy["expiration"])
    # botocore may sign in the second after.
    assert timedelta(0) <= expiration - signed.expires_at <= timedelta(seconds=PATIENCE_SECONDS)
