"""The service on the store in a folder, without any other server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.servers.mongodb_kinds import free_port

from . import direct
from .companion import CompanionUpload, success
from .disk import PAGE, Disk
from .service import Service, run_command, running_service
from .upload import Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e
PART_SIZE: Final = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    return Disk(tmp_path_factory.mktemp("disk"), free_port())


@pytest.fixture(scope="module")
def service(disk: Disk) -> Iterator[Service]:
    with running_service(disk.folder, disk.settings, port=disk.port) as service:
        yield service


@pytest.fixture
def api(service: Service) -> Iterator[httpx.Client]:
    with service.client() as api:
        yield api


def test_upload_becomes_a_plain_file(api: httpx.Client, disk: Disk) -> None:
    body = some_bytes(PART_SIZE + 100)
    upload = Upload.start(api, size=len(body))
    upload.send(1, body[:PART_SIZE])
    upload.send(2, body[PART_SIZE:])
    done = answer(upload.complete())
    assert done["size"] == len(body)
    assert (disk.root / upload.key).read_bytes() == body
    assert done["location"] == f"http://127.0.0.1:{disk.port}/objects/{upload.key}"
    assert answer(upload.status())["status"] == "completed"


def test_aborted_upload_leaves_no_file(api: httpx.Client, disk: Disk) -> None:
    upload = Upload.start(api)
    upload.send(1, b"hello")
    answer(upload.abort())
    assert not (disk.root / upload.user_id).exists()
    assert list((disk.root / ".multipart/uploads").iterdir()) == []


def test_companion_routes_work(api: httpx.Client, disk: Disk) -> None:
    upload = CompanionUpload.create(api)
    done = success(upload.complete(upload.put(1, b"hello")))
    assert done["bucket"] == "store"
    assert (disk.root / upload.key).read_bytes() == b"hello"
    form = success(api.get("/s3/params", params={"filename": "a.txt", "type": "text/plain"}))
    posted = httpx.post(form["url"], data=form["fields"], files={"file": ("a.txt", b"hi")})
    assert posted.status_code == 201
    assert (disk.root / form["fields"]["key"]).read_bytes() == b"hi"


def test_page_may_use_the_store_and_read_the_etag(api: httpx.Client, service: Service) -> None:
    policy = api.get("/").headers["content-security-policy"]
    assert f"connect-src 'self' {service.url};" in f"{policy};"
    signed = answer(Upload.start(api).sign(1))["signed_url"]
    asked = {"Method": "PUT", "Headers": "content-type"}
    headers = {f"Access-Control-Request-{name}": value for name, value in asked.items()}
    preflight = api.options(signed, headers={"Origin": PAGE, **headers})
    assert preflight.status_code == 204
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    for url, status in ((signed, 200), (f"{signed}0", 403)):
        sent = httpx.put(url, content=b"hello", headers={"Origin": PAGE})
        assert sent.status_code == status
        assert sent.headers["access-control-allow-origin"] == PAGE
        assert "ETag" in sent.headers["access-control-expose-headers"]


def test_part_over_its_limit_names_the_field(api: httpx.Client) -> None:
    upload = Upload.start(api, size=PART_SIZE)
    problem(upload.sign(1, content_length=PART_SIZE - 1), 422, "invalid-field")


def test_killed_service_has_kept_every_part_and_object(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free_port())
    body = some_bytes(PART_SIZE + 100)
    with running_service(disk.folder, disk.settings, port=disk.port) as service:
        with service.client() as api:
            upload = Upload.start(api, size=len(body))
            upload.put(1, body[:PART_SIZE])
        service.process.kill()
    with (
        running_service(disk.folder, disk.settings, port=disk.port) as service,
        service.client() as api,
    ):
        again = Upload(api, upload.user_id, upload.started)
        assert answer(again.status())["missing_parts"] == [2]
        again.put(2, body[PART_SIZE:])
        answer(again.complete())
    assert (disk.root / upload.key).read_bytes() == body


def test_missing_settings_are_named_together(tmp_path: Path) -> None:
    ran = run_command(tmp_path, {"OBJECT_STORE": "disk"}, "serve")
    assert ran.returncode == 1
    for name in ("DISK_STORE_PATH", "DISK_STORE_SECRET", "DISK_STORE_PUBLIC_URL"):
        assert f"{name}: is required" in ran.stderr
    assert "S3_BUCKET_NAME" not in ran.stderr


def test_signed_url_serves_other_methods_nothing(api: httpx.Client) -> None:
    signed = answer(Upload.start(api).sign(1))["signed_url"]
    assert direct.put(signed, b"hello").status_code == 200
    assert httpx.get(signed).status_code == 403
