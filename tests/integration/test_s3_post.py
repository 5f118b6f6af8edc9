"""What a real S3 makes of the forms that are signed, and what the forms say themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.application.ports import ObjectStore, SignedPost
from multipart_upload.testing.contract.sample_uploads import HOUR, KEY, Post, new_object

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
    """Each on a server that checks policies; the object must not be there afterwards."""

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
    async def test_another_field_than_signed_is_refused(
        self, store: ObjectStore, signed: SignedPost, post: Post, forged: Mapping[str, str]
    ) -> None:
        assert not await post(replace(signed, fields={**signed.fields, **forged}), b"x")
        assert await store.head_object(KEY) is None

    async def test_a_form_is_refused_after_its_end(self, store: ObjectStore, post: Post) -> None:
        second = timedelta(seconds=1)
        signed = await store.sign_post(new_object(), max_size=LIMIT, expires_in=second)
        await asyncio.sleep(2.1)
        assert not await post(signed, b"x")
        assert await store.head_object(KEY) is None


async def form_on(config: S3Config) -> SignedPost:
    """Sign a form; nobody is asked, so the host need not exist."""
    async with open_s3_store(config) as store:
        return await store.sign_post(new_object(), max_size=LIMIT, expires_in=HOUR)


async def test_on_aws_a_form_goes_to_the_buckets_own_regional_host() -> None:
    assert (await form_on(AWS)).url == "https://bucket.s3.eu-west-1.amazonaws.com/"


async def test_on_another_store_a_forms_address_ends_in_the_bucket_and_a_slash() -> None:
    public = replace(AWS, endpoint_url="http://minio:9000", public_endpoint_url="https://f.example")
    assert (await form_on(public)).url == "https://f.example/bucket/"


async def test_static_credentials_with_a_token_sign_it_in() -> None:
    signed = await form_on(replace(AWS, session_token="token"))
    assert signed.fields["x-amz-security-token"] == "token"
