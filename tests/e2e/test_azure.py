"""The service on Azure Blob Storage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, Final

import httpx
import pytest
from azure.storage.blob import ContainerClient

from multipart_upload.adapters.azure import AzureConfig
from tests.servers.azurite import Azurite
from tests.servers.s3_proxy import Forward, S3Proxy, S3Request, cut_after, s3_proxy

from . import direct
from .service import Service, run_command, running_service
from .upload import Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e
PART_SIZE: Final = 8 * 1024 * 1024
NOW: Final = {"SWEEP_INTERVAL_SECONDS": "0", "SWEEP_GRACE_SECONDS": "0"}


@dataclass(frozen=True, slots=True)
class Container:
    """A container of its own, and the settings of a service that uses it."""

    server: Azurite
    config: AzureConfig

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "OBJECT_STORE": "azure",
            "AZURE_STORAGE_ACCOUNT": self.config.account,
            "AZURE_STORAGE_KEY": self.config.key,
            "AZURE_CONTAINER": self.config.container,
            "AZURE_ENDPOINT_URL": self.config.endpoint_url,
            "WEB_PAGE": "true",
            **NOW,
        }

    @property
    def client(self) -> ContainerClient:
        return self.server.client().get_container_client(self.config.container)

    def read(self, key: str) -> bytes:
        with self.client as client:
            return client.download_blob(key).readall()

    def properties(self, key: str) -> Any:
        with self.client as client:
            return client.get_blob_client(key).get_blob_properties()

    def names(self, upload: Upload) -> list[str]:
        """List the blobs of an upload, also its record and those that are not finished."""
        with self.client as client:
            found = [blob.name for blob in client.list_blobs(include=["uncommittedblobs"])]
        return [name for name in found if upload.key in name]


@pytest.fixture(scope="module")
def container(azurite: Azurite) -> Container:
    return Container(azurite, azurite.make_container())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("azure")


@pytest.fixture(scope="module")
def service(container: Container, folder: Path) -> Iterator[Service]:
    with running_service(folder, container.settings) as service:
        yield service


@pytest.fixture
def api(service: Service) -> Iterator[httpx.Client]:
    with service.client() as api:
        yield api


def test_upload_becomes_a_blob(api: httpx.Client, container: Container) -> None:
    body = some_bytes(PART_SIZE + 100)
    upload = Upload.start(api, size=len(body), metadata={"project": "summer"})
    assert upload.started["abort_date"] is not None
    upload.send(2, body[PART_SIZE:])
    assert answer(upload.status())["missing_parts"] == [1]
    upload.send(1, body[:PART_SIZE])
    parts = answer(upload.list_parts())["parts"]
    assert [(part["part_number"], part["status"]) for part in parts] == [
        (1, "verified"),
        (2, "verified"),
    ]
    done = answer(upload.complete())
    assert answer(upload.complete()) == done
    assert container.read(upload.key) == body
    found = container.properties(upload.key)
    assert (done["size"], done["etag"]) == (len(body), found.etag.strip('"'))
    assert (
        done["location"]
        == f"{container.config.endpoint_url}/{container.config.container}/{upload.key}"
    )
    assert found.metadata["multipart_upload_id"] == upload.started["upload_id"]
    assert found.metadata["project"] == "summer"
    assert found.content_settings.content_disposition == 'attachment; filename="film.bin"'
    assert container.names(upload) == [upload.key]


def test_parts_that_no_client_reported_are_found(api: httpx.Client, container: Container) -> None:
    upload = Upload.start(api)
    upload.put(1, b"hello")
    assert answer(upload.complete())["size"] == 5
    assert container.read(upload.key) == b"hello"


def test_batch_of_urls_serves_every_part(api: httpx.Client, container: Container) -> None:
    body = some_bytes(2 * PART_SIZE + 1)
    upload = Upload.start(api, size=len(body))
    signed = answer(
        api.post("/api/get-signed-urls", json={**upload.identity, "part_numbers": "all"})
    )["urls"]
    assert [one["part_number"] for one in signed] == [1, 2, 3]
    for index, one in enumerate(signed):
        sent = direct.put(one["signed_url"], body[index * PART_SIZE : (index + 1) * PART_SIZE])
        assert sent.status_code == 201
    answer(upload.complete())
    assert container.read(upload.key) == body


def test_empty_file_is_one_part_of_0_bytes(api: httpx.Client, container: Container) -> None:
    upload = Upload.start(api, size=0)
    upload.send(1, b"")
    assert answer(upload.complete())["size"] == 0
    assert container.read(upload.key) == b""
    assert container.names(upload) == [upload.key]


def test_part_of_another_size_than_planned_is_refused_at_completion(api: httpx.Client) -> None:
    upload = Upload.start(api, size=100)
    signed = answer(upload.sign(1))
    assert direct.put(signed["signed_url"], b"x" * 101).status_code == 201
    assert problem(upload.complete(), 409, "parts-missing")["mismatched_parts"] == [1]
    upload.put(1, b"x" * 100)
    assert answer(upload.complete())["size"] == 100


def test_aborted_upload_leaves_nothing(api: httpx.Client, container: Container) -> None:
    upload = Upload.start(api)
    upload.send(1, b"hello")
    assert answer(upload.abort())["status"] == "aborted"
    assert container.names(upload) == []


def test_sweep_aborts_an_orphaned_upload_and_keeps_the_object(
    api: httpx.Client, container: Container, folder: Path
) -> None:
    upload = Upload.start(api)
    upload.send(1, b"hello")
    answer(upload.complete())
    # As if the process had died between the commit and the end of the record.
    record = f".multipart-uploads/{upload.key}/{'0' * 32}"
    with container.client as client:
        client.upload_blob(record, b"")
    swept = run_command(folder, container.settings, "sweep", "--once")
    assert "1 orphaned" in swept.stdout, swept.stderr
    assert container.names(upload) == [upload.key]
    assert container.read(upload.key) == b"hello"


def test_complete_whose_answers_are_lost_returns_the_object_on_retry(
    container: Container, tmp_path: Path
) -> None:
    is_over = Event()

    async def lose_commits(request: S3Request, forward: Forward) -> bytes:
        is_lost = request.query.get("comp") == "blocklist" and not is_over.is_set()
        return await (cut_after(request, forward) if is_lost else forward())

    with s3_proxy(container.server.endpoint_url) as proxy:
        proxy.faults["PUT"] = lose_commits
        settings = {**container.settings, **urls_through(proxy, container)}
        with (
            running_service(tmp_path, settings) as service,
            service.client() as api,
            service.client_without_retries() as once,
        ):
            upload = Upload.start(api)
            upload.send(1, b"hello")
            problem(replace(upload, api=once).complete(), 503, "store-unavailable")
            is_over.set()
            done = answer(upload.complete())
            assert answer(upload.status())["status"] == "completed"
    assert (done["size"], container.read(upload.key)) == (5, b"hello")
    assert done["etag"] == container.properties(upload.key).etag.strip('"')
    # The complete that committed did not get to delete the record.
    assert "1 orphaned" in run_command(tmp_path, container.settings, "sweep", "--once").stdout
    assert container.names(upload) == [upload.key]


def urls_through(proxy: S3Proxy, container: Container) -> dict[str, str]:
    return {
        "AZURE_ENDPOINT_URL": f"{proxy.url}/{container.config.account}",
        "AZURE_PUBLIC_ENDPOINT_URL": container.config.endpoint_url,
    }


def test_companion_routes_say_that_the_store_has_no_etags(api: httpx.Client) -> None:
    file = {"filename": "film.mp4", "type": "video/mp4"}
    for refused in (
        api.post("/s3/multipart", json=file),
        api.get("/s3/params", params=file),
        api.get("/s3/sts"),
    ):
        assert refused.status_code == 404
        assert "use the routes under /api" in refused.json()["message"]


def test_page_may_send_to_the_account(api: httpx.Client, container: Container) -> None:
    policy = api.get("/").headers["content-security-policy"]
    assert f"connect-src 'self' {container.server.endpoint_url};" in f"{policy};"


def test_no_secret_reaches_the_log(service: Service, container: Container) -> None:
    assert f"{container.config.container} at {container.config.endpoint_url}" in service.log
    assert "AZURE_STORAGE_KEY" in service.log
    assert container.config.key not in service.log
    assert "sig=" not in service.log


def test_missing_settings_are_named_together(tmp_path: Path) -> None:
    ran = run_command(tmp_path, {"OBJECT_STORE": "azure"}, "serve")
    assert ran.returncode == 1
    for name in ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_CONTAINER"):
        assert f"{name}: is required" in ran.stderr
    assert "S3_BUCKET_NAME" not in ran.stderr
