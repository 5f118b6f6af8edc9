"""S3 refuses connections, hangs, stops and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from multipart_upload.adapters.s3 import S3Config, open_s3_store
from multipart_upload.application.ports import ObjectStore
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.testing.contract.sample_uploads import KEY, Put, new_object, open_upload
from tests.patience import measure_loop_time, repeat_while_unavailable
from tests.servers.s3 import fresh_bucket
from tests.servers.s3_kinds import S3Server
from tests.servers.scripted_server import scripted_server

pytestmark = pytest.mark.deadlines

PROMISED_SECONDS = 5.0
QUICK_CALLS: dict[str, Callable[[ObjectStore], Awaitable[object]]] = {
    "create_upload": lambda store: store.create_upload(new_object()),
    "list_parts": lambda store: store.list_parts(KEY, "2~abc"),
    "abort_upload": lambda store: store.abort_upload(KEY, "2~abc"),
    "list_uploads": lambda store: store.list_uploads(KEY),
    "head_object": lambda store: store.head_object(KEY),
    "check": lambda store: store.check(),
}
CALLS = {
    "complete_upload": lambda store: store.complete_upload(KEY, "2~abc", []),
    **QUICK_CALLS,
}
CONFIG = S3Config(
    bucket="bucket", region="us-east-1", access_key_id="key", secret_access_key="secret"
)


@pytest.fixture
async def hung() -> AsyncIterator[ObjectStore]:
    """Provide a store whose server accepts requests and never answers."""
    async with (
        scripted_server() as server,
        open_s3_store(replace(CONFIG, endpoint_url=server.endpoint_url)) as store,
    ):
        yield store


@pytest.fixture
async def absent() -> AsyncIterator[ObjectStore]:
    """Provide a store on a closed port."""
    async with scripted_server() as server:
        config = replace(CONFIG, endpoint_url=server.endpoint_url)
    async with open_s3_store(config) as store:
        yield store


async def is_unavailable_in_time(call: Awaitable[object]) -> bool:
    async with measure_loop_time() as waited:
        with pytest.raises(StoreUnavailableError):
            await call
    return waited.seconds < PROMISED_SECONDS


@pytest.mark.parametrize("method", CALLS)
async def test_a_call_on_a_closed_port_is_unavailability_in_time(
    absent: ObjectStore, method: str
) -> None:
    assert await is_unavailable_in_time(CALLS[method](absent))


async def test_calls_on_a_hanging_server_are_unavailability_in_time(hung: ObjectStore) -> None:
    # All at once: no call may wait for the connection of another one, either.
    calls = [call(hung) for call in QUICK_CALLS.values() for _ in range(5)]
    assert all(await asyncio.gather(*map(is_unavailable_in_time, calls)))


async def test_complete_waits_longer_for_a_hanging_server_than_other_calls(
    hung: ObjectStore,
) -> None:
    completing = asyncio.create_task(hung.complete_upload(KEY, "2~abc", []))
    await asyncio.gather(*(is_unavailable_in_time(call(hung)) for call in QUICK_CALLS.values()))
    assert not completing.done()
    completing.cancel()


@pytest.mark.integration
async def test_a_store_works_again_after_s3_restarts(own_s3: S3Server, put: Put) -> None:
    async with open_s3_store(fresh_bucket(own_s3)) as store:
        await (await open_upload(store, put)).put_part(1, b"before")
        own_s3.stop()
        assert all([await is_unavailable_in_time(call(store)) for call in CALLS.values()])
        own_s3.start()
        await repeat_while_unavailable(store.check)
        upload = await open_upload(store, put)
        await upload.put_part(1, b"after")
        parts = await store.list_parts(*upload.key_and_id)
        assert (await store.complete_upload(*upload.key_and_id, parts)).size == len(b"after")


@pytest.mark.integration
async def test_parts_survive_a_kill_of_s3(versitygw: S3Server, own_s3: S3Server, put: Put) -> None:
    assert own_s3.name == versitygw.name  # MiniStack forgets open uploads
    async with open_s3_store(fresh_bucket(own_s3)) as store:
        upload = await open_upload(store, put)
        await upload.put_part(1, b"hello")
        own_s3.kill()
        own_s3.start()
        parts = await store.list_parts(*upload.key_and_id)
        assert (await store.complete_upload(*upload.key_and_id, parts)).size == len(b"hello")
