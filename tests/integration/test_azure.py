"""Azure Blob Storage beyond the contract: signatures, kills, and blobs that others write."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx
import pytest
from azure.storage.blob.aio import BlobClient, ContainerClient

from multipart_upload.adapters.azure import AzureConfig, AzureObjectStore, open_azure_store
from multipart_upload.adapters.azure.records import Records
from multipart_upload.domain.errors import (
    SingleUploadsUnsupportedError,
    StoreMisconfiguredError,
    StoreUnavailableError,
    StoreUploadGoneError,
)
from multipart_upload.testing.contract.sample_uploads import (
    HOUR,
    KEY,
    Put,
    SampleUpload,
    new_object,
    open_upload,
)
from tests.servers.azurite import Azurite
from tests.servers.scripted_server import http_answer, scripted_server

pytestmark = pytest.mark.integration


class Killed(BaseException):
    """The process was killed."""


async def kill(*_: object, **__: object) -> None:
    raise Killed


@pytest.fixture
def config(azurite: Azurite) -> AzureConfig:
    return azurite.make_container()


@pytest.fixture
async def store(config: AzureConfig) -> AsyncIterator[AzureObjectStore]:
    async with open_azure_store(config) as store:
        assert isinstance(store, AzureObjectStore)
        yield store


@pytest.fixture
async def upload(store: AzureObjectStore, put: Put) -> SampleUpload:
    """Provide an upload with one part."""
    upload = await open_upload(store, put)
    await upload.put_part(1, b"hello")
    return upload


async def complete(upload: SampleUpload) -> None:
    parts = await upload.store.list_parts(*upload.key_and_id)
    await upload.store.complete_upload(*upload.key_and_id, parts)


async def list_everything(container: ContainerClient) -> list[str]:
    """List all blobs, also those with nothing but uncommitted blocks."""
    return [blob.name async for blob in container.list_blobs(include=["uncommittedblobs"])]


async def test_url_is_signed_for_one_blob_and_its_blocks_only(
    upload: SampleUpload, http: httpx.AsyncClient
) -> None:
    url = (await upload.sign(1)).url
    assert (await http.put(url, content=b"hello")).status_code == 201
    other_blob = url.replace("holiday", "another")
    later = url.replace("se=20", "se=21")
    for tampered in (other_blob, later, url.replace("sp=w", "sp=rw")):
        assert (await http.put(tampered, content=b"hello")).status_code == 403
    assert (await http.get(url.replace("comp=block&", ""))).status_code == 403
    assert (await http.delete(url.replace("comp=block&", ""))).status_code == 403


async def test_expired_url_is_refused(upload: SampleUpload, http: httpx.AsyncClient) -> None:
    signed = await upload.store.sign_part(*upload.key_and_id, 1, expires_in=timedelta(seconds=-1))
    assert (await http.put(signed.url, content=b"hello")).status_code == 403


async def test_upload_reports_when_azure_discards_its_blocks(store: AzureObjectStore) -> None:
    before = datetime.now(UTC)
    opened = await store.create_upload(new_object())
    assert opened.abort_date is not None
    assert before <= opened.abort_date - timedelta(days=7) <= datetime.now(UTC)
    assert await store.find_abort_age("") == timedelta(days=7)


async def test_blocks_that_a_client_named_itself_are_ignored(
    upload: SampleUpload, http: httpx.AsyncClient
) -> None:
    url = (await upload.sign(1)).url.partition("&blockid=")[0]
    for name in (b"\xff" * 37, b"x" * 37, upload.id.encode() + b"1e3.4"):
        sent = await http.put(f"{url}&blockid={quote(b64encode(name))}", content=b"junk")
        assert sent.status_code == 201
    assert [part.number for part in await upload.store.list_parts(*upload.key_and_id)] == [1]
    await complete(upload)
    head = await upload.store.head_object(KEY)
    assert head is not None
    assert head.size == len(b"hello")


async def test_uploads_of_one_key_do_not_mix_their_blocks(
    store: AzureObjectStore, put: Put
) -> None:
    first, second = await open_upload(store, put), await open_upload(store, put)
    await first.put_part(1, b"first")
    await second.put_part(1, b"the second")
    # Only whole blobs can lose their blocks: those of the other upload stay.
    await store.abort_upload(*first.key_and_id)
    await complete(second)
    client = store.container.get_blob_client(KEY)
    assert await (await client.download_blob()).readall() == b"the second"


async def test_aborted_upload_leaves_nothing(store: AzureObjectStore, upload: SampleUpload) -> None:
    await store.abort_upload(*upload.key_and_id)
    assert await list_everything(store.container) == []


async def test_kill_after_the_commit_leaves_a_record_that_a_sweep_removes(
    store: AzureObjectStore, upload: SampleUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Records, "delete", kill)
        await complete(upload)
    # As the use case does: complete again, and read the owner.
    with pytest.raises(StoreUploadGoneError):
        await store.list_parts(*upload.key_and_id)
    head = await store.head_object(KEY)
    assert head is not None
    assert (head.upload_id, head.nonce) == (upload.new.upload_id, upload.new.nonce)
    assert [found.store_upload_id for found in await store.list_uploads(KEY)] == [upload.id]
    # As the sweep does with an upload of a session that has ended.
    await store.abort_upload(*upload.key_and_id)
    assert await list_everything(store.container) == [KEY]


async def test_empty_file_is_completed_once_although_a_kill_left_its_record(
    store: AzureObjectStore, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await open_upload(store, put)
    await upload.put_part(1, b"")
    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Records, "delete", kill)
        await complete(upload)
    with pytest.raises(StoreUploadGoneError):
        await complete(upload)
    await store.abort_upload(*upload.key_and_id)
    assert await list_everything(store.container) == [KEY]


async def test_kill_while_blocks_are_discarded_leaves_no_object(
    store: AzureObjectStore, upload: SampleUpload, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(BlobClient, "delete_blob", kill)
        await store.abort_upload(*upload.key_and_id)
    assert KEY in await list_everything(store.container)
    assert await store.head_object(KEY) is None
    assert [found.store_upload_id for found in await store.list_uploads(KEY)] == [upload.id]
    await store.abort_upload(*upload.key_and_id)
    assert await list_everything(store.container) == []


async def test_abort_keeps_content_that_was_committed_meanwhile(
    store: AzureObjectStore, upload: SampleUpload
) -> None:
    blob = store.container.get_blob_client(KEY)
    await blob.upload_blob(b"content of another client", overwrite=True)
    await upload.put_part(2, b"a late part")
    await store.abort_upload(*upload.key_and_id)
    assert await (await blob.download_blob()).readall() == b"content of another client"
    assert await store.list_uploads(KEY) == []


async def test_complete_never_replaces_a_blob(
    store: AzureObjectStore, upload: SampleUpload
) -> None:
    parts = await store.list_parts(*upload.key_and_id)
    blob = store.container.get_blob_client(KEY)
    await blob.upload_blob(b"content of another client", overwrite=True)
    await upload.put_part(1, b"hello")
    with pytest.raises(StoreUploadGoneError):
        await store.complete_upload(*upload.key_and_id, parts)
    head = await store.head_object(KEY)
    assert head is not None
    assert (head.size, head.upload_id) == (len(b"content of another client"), None)


async def test_part_of_0_bytes_without_its_upload_is_listed_and_removed(
    store: AzureObjectStore, upload: SampleUpload
) -> None:
    await complete(upload)
    await store.sign_part(*upload.key_and_id, 1, expires_in=HOUR, content_length=0)
    assert [found.store_upload_id for found in await store.list_uploads(KEY)] == [upload.id]
    with pytest.raises(StoreUploadGoneError):
        await store.list_parts(*upload.key_and_id)
    await store.abort_upload(*upload.key_and_id)
    assert await list_everything(store.container) == [KEY]


async def test_blob_is_served_with_its_type_name_and_metadata(
    store: AzureObjectStore, put: Put
) -> None:
    new = new_object(filename="film.mp4", **{"Camera.Model-Name": "X100", "a_b": "Zoë"})
    upload = await open_upload(store, put, new)
    await upload.put_part(1, b"hello")
    await complete(upload)
    blob = await store.container.get_blob_client(KEY).get_blob_properties()
    assert blob.content_settings.content_type == "video/mp4"
    assert blob.content_settings.content_disposition == 'attachment; filename="film.mp4"'
    assert blob.metadata["camera_2emodel_2dname"] == "X100"
    assert blob.metadata["a__b"] == "=?UTF-8?B?Wm/Dqw==?="


async def test_forms_are_refused(store: AzureObjectStore) -> None:
    assert store.capabilities.max_single_size is None
    with pytest.raises(SingleUploadsUnsupportedError):
        await store.sign_post(new_object(), max_size=1, expires_in=HOUR)


async def test_wrong_key_and_missing_container_name_their_settings(config: AzureConfig) -> None:
    wrong_key = replace(config, key=b64encode(b"wrong").decode())
    no_container = replace(config, container="not-there")
    for wrong, setting in ((wrong_key, "AZURE_STORAGE_KEY"), (no_container, "AZURE_CONTAINER")):
        async with open_azure_store(wrong) as store:
            with pytest.raises(StoreMisconfiguredError) as refused:
                await store.check()
            assert setting in refused.value.cause
            with pytest.raises(StoreMisconfiguredError):
                await store.head_object(KEY)
            with pytest.raises(StoreMisconfiguredError):
                await store.list_parts(KEY, "0" * 32)


@pytest.mark.parametrize(
    "answer",
    [
        http_answer("503 Server Busy", "<Error><Code>ServerBusy</Code></Error>"),
        http_answer("200 OK", "<html>a captive portal</html>"),
        http_answer("403 Forbidden", "<html>a proxy</html>"),
        b"nonsense\r\n\r\n",
    ],
    ids=["busy", "not azure", "proxy", "not http"],
)
async def test_answer_that_is_not_azures_is_unavailability(
    config: AzureConfig, answer: bytes
) -> None:
    async with scripted_server(answer) as server:
        broken = replace(config, endpoint_url=f"{server.endpoint_url}/{config.account}")
        async with open_azure_store(broken) as store:
            with pytest.raises(StoreUnavailableError):
                await store.list_uploads(KEY)
