"""A PUT on a URL that is still valid after its upload has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.application.ports import ObjectStore
from multipart_upload.testing.contract.sample_uploads import KEY, Put, open_upload

pytestmark = pytest.mark.integration


@pytest.fixture
async def store(strict_config: S3Config) -> AsyncIterator[ObjectStore]:
    async with open_s3_store(strict_config) as store:
        yield store


async def test_a_late_put_does_not_change_the_finished_object(
    store: ObjectStore, put: Put, http: httpx.AsyncClient
) -> None:
    upload = await open_upload(store, put)
    signed = await store.sign_part(*upload.key_and_id, 1, expires_in=timedelta(hours=1))
    await put(signed, b"hello")
    await store.complete_upload(*upload.key_and_id, await store.list_parts(*upload.key_and_id))
    head = await store.head_object(KEY)
    # Some stores accept it, others refuse it.
    await http.put(signed.url, content=b"something else", headers=dict(signed.headers))
    assert await store.head_object(KEY) == head
    assert await store.list_uploads(KEY) == []


async def test_a_late_put_does_not_reopen_an_aborted_upload(
    store: ObjectStore, put: Put, http: httpx.AsyncClient
) -> None:
    upload = await open_upload(store, put)
    signed = await store.sign_part(*upload.key_and_id, 1, expires_in=timedelta(hours=1))
    await store.abort_upload(*upload.key_and_id)
    await http.put(signed.url, content=b"hello", headers=dict(signed.headers))
    assert await store.list_uploads(KEY) == []
    assert await store.head_object(KEY) is None
