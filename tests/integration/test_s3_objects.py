"""Finished objects and buckets on a real server."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from email.header import decode_header, make_header

import httpx
import pytest

from multipart_upload.adapters.s3 import S3Config, S3ObjectStore, ensure_bucket, open_s3_store
from multipart_upload.adapters.s3.client import create_session, open_client
from multipart_upload.adapters.s3.limits import MIN_PART_SIZE
from multipart_upload.application.ports import ObjectStore
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.testing.contract.sample_uploads import KEY, Put, new_object, open_upload
from tests.servers.s3 import fresh_bucket
from tests.servers.s3_kinds import S3Server

pytestmark = pytest.mark.integration


@pytest.fixture
async def store(strict_config: S3Config) -> AsyncIterator[ObjectStore]:
    async with open_s3_store(strict_config) as store:
        yield store


async def get_object(config: S3Config, key: str, http: httpx.AsyncClient) -> httpx.Response:
    """Read an object on a presigned URL."""
    async with open_client(create_session(config), config) as client:
        url = await client.generate_presigned_url(
            "get_object", Params={"Bucket": config.bucket, "Key": key}
        )
    return await http.get(url)


async def test_the_object_is_the_file_though_parts_arrive_out_of_order_and_twice(
    strict_config: S3Config, store: ObjectStore, put: Put, http: httpx.AsyncClient
) -> None:
    upload = await open_upload(store, put)
    bodies = [b"a" * MIN_PART_SIZE, b"b" * MIN_PART_SIZE, b"the end"]
    for number, body in ((3, bodies[2]), (1, b"wrong"), (2, bodies[1]), (1, bodies[0])):
        await upload.put_part(number, body)
    await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
    stored = await get_object(strict_config, KEY, http)
    assert hashlib.sha256(stored.content).digest() == hashlib.sha256(b"".join(bodies)).digest()


async def test_the_object_has_content_type_file_name_and_metadata(
    strict_config: S3Config, store: ObjectStore, put: Put, http: httpx.AsyncClient
) -> None:
    upload = await open_upload(
        store, put, new_object(filename="Zoë.mp4", Camera="X100", note="é 🏝")
    )
    await upload.put_part(1, b"hello")
    await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
    headers = (await get_object(strict_config, KEY, http)).headers
    note = headers["x-amz-meta-note"]
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Disposition"].endswith("filename*=UTF-8''Zo%C3%AB.mp4")
    assert headers["x-amz-meta-camera"] == "X100"
    assert str(make_header(decode_header(note))) == "é 🏝"
    assert headers["x-amz-meta-multipart-upload-id"] == upload.new.upload_id
    assert headers["x-amz-meta-multipart-upload-nonce"] == upload.new.nonce


async def test_the_location_is_the_url_of_the_object(
    strict_config: S3Config, store: ObjectStore, put: Put, http: httpx.AsyncClient
) -> None:
    key = "a b/Zoë+1%41?.mp4"
    upload = await open_upload(store, put, new_object(key))
    await upload.put_part(1, b"hello")
    parts = await store.list_parts(*upload.key_and_id)
    completed = await store.complete_upload(*upload.key_and_id, parts)
    signed = (await get_object(strict_config, key, http)).request.url
    assert completed.location == str(signed).partition("?")[0]


async def test_the_location_has_the_host_that_clients_see(
    strict_config: S3Config, put: Put
) -> None:
    port = str(strict_config.endpoint_url).rpartition(":")[2]
    public = replace(strict_config, public_endpoint_url=f"http://localhost:{port}")
    async with open_s3_store(public) as store:
        upload = await open_upload(store, put)
        assert (await upload.sign(1)).url.startswith(f"http://localhost:{port}/")
        await upload.put_part(1, b"hello")
        parts = await store.list_parts(*upload.key_and_id)
        completed = await store.complete_upload(*upload.key_and_id, parts)
        assert completed.location == f"http://localhost:{port}/{public.bucket}/{KEY}"


async def test_parts_on_a_second_page_are_listed(store: ObjectStore, put: Put) -> None:
    upload = await open_upload(store, put)
    for first in range(1, 1002, 50):
        await asyncio.gather(
            *(upload.put_part(n, b"x") for n in range(first, min(first + 50, 1002)))
        )
    parts = await store.list_parts(*upload.key_and_id)
    assert [part.number for part in parts] == list(range(1, 1002))


async def test_s3_refuses_a_size_that_differs_from_the_sum_of_the_parts(
    versitygw: S3Server, put: Put
) -> None:
    async with open_s3_store(fresh_bucket(versitygw)) as store:
        assert isinstance(store, S3ObjectStore)
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        (part,) = await store.list_parts(*upload.key_and_id)
        with pytest.raises(Exception, match="sizes or checksums"):
            await store.complete_upload(*upload.key_and_id, [replace(part, size=6)])


async def test_a_missing_bucket_is_unavailability(strict_config: S3Config) -> None:
    async with open_s3_store(replace(strict_config, bucket="no-such-bucket")) as store:
        with pytest.raises(StoreUnavailableError):
            await store.check()
        with pytest.raises(StoreUnavailableError):
            await store.create_upload(new_object())


async def test_wrong_credentials_are_unavailability(strict_config: S3Config) -> None:
    async with open_s3_store(replace(strict_config, secret_access_key="wrong")) as store:
        with pytest.raises(StoreUnavailableError):
            await store.check()


async def test_ensuring_a_bucket_again_keeps_its_objects(
    strict_config: S3Config, store: ObjectStore, put: Put
) -> None:
    upload = await open_upload(store, put)
    await upload.put_part(1, b"hello")
    await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
    await ensure_bucket(strict_config)
    assert await store.head_object(KEY) is not None


async def test_a_bucket_can_be_in_any_region(moto: S3Server) -> None:
    config = replace(fresh_bucket(moto), region="eu-west-1", bucket="elsewhere-1")
    await ensure_bucket(config)
    await ensure_bucket(config)
    async with open_client(create_session(config), config) as client:
        location = await client.get_bucket_location(Bucket=config.bucket)
    assert location["LocationConstraint"] == "eu-west-1"


async def test_a_page_of_an_allowed_origin_may_put_parts_and_read_their_etags(
    strict_config: S3Config, store: ObjectStore, put: Put, http: httpx.AsyncClient
) -> None:
    await ensure_bucket(strict_config, ["https://app.example.com"])
    url = (await (await open_upload(store, put)).sign(1)).url
    asked = {"Access-Control-Request-Method": "PUT", "Origin": "https://app.example.com"}
    preflight = await http.options(url, headers=asked)
    refused = await http.options(url, headers={**asked, "Origin": "https://evil.example.com"})
    async with open_client(create_session(strict_config), strict_config) as client:
        (rule,) = (await client.get_bucket_cors(Bucket=strict_config.bucket))["CORSRules"]
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Origin" not in refused.headers
    # Read from the rule: versitygw exposes the ETag without one, AWS does not.
    assert "ETag" in rule["ExposeHeaders"]
