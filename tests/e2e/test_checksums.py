"""Bytes are proven from the client to the store: per part, and for the whole file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from multipart_upload.domain.checksum import crc64nvme, encode_checksum
from tests.servers.mongodb_kinds import free_port

from . import direct
from .bucket import Bucket
from .companion import CompanionUpload
from .disk import Disk
from .service import running_service
from .upload import MIB, Upload, answer, problem, some_bytes, wrong_fields

pytestmark = pytest.mark.e2e

BODY: Final = some_bytes(11 * MIB)
CUT: Final = 8 * MIB


def checksum_of(body: bytes) -> str:
    return encode_checksum(crc64nvme(body))


def flip(body: bytes) -> bytes:
    """Change one byte, as a faulty line does."""
    return bytes([body[0] ^ 1]) + body[1:]


@pytest.fixture(params=["s3", "disk"], scope="module")
def any_api(
    request: pytest.FixtureRequest, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """Provide a service on S3, and one on a folder."""
    folder = tmp_path_factory.mktemp("checksums")
    disk = Disk(folder, free_port())
    is_disk = request.param == "disk"
    settings = disk.settings if is_disk else bucket.settings
    port = disk.port if is_disk else 0
    with running_service(folder, settings, port=port) as service, service.client() as api:
        yield api


def send_parts(upload: Upload, body: bytes) -> None:
    upload.send(1, body[:CUT])
    upload.send(2, body[CUT:])


def test_declared_checksum_is_verified(any_api: httpx.Client) -> None:
    upload = Upload.start(any_api, size=len(BODY), checksum_crc64nvme=checksum_of(BODY))
    send_parts(upload, BODY)

    completed = answer(upload.complete())

    assert completed["checksum_crc64nvme"] == checksum_of(BODY)
    assert completed["checksum_verified"] is True
    status = answer(upload.status())
    assert status["checksum_crc64nvme"] == checksum_of(BODY)
    assert status["checksum_verified"] is True


def test_checksum_is_answered_although_none_was_declared(any_api: httpx.Client) -> None:
    upload = Upload.start(any_api, size=5)
    upload.send(1, b"hello")

    completed = answer(upload.complete())

    assert (completed["checksum_crc64nvme"], completed["checksum_verified"]) == (
        checksum_of(b"hello"),
        False,
    )


@pytest.mark.parametrize("is_declared_at_start", [True, False])
def test_changed_byte_never_becomes_an_object(
    any_api: httpx.Client,
    is_declared_at_start: bool,  # noqa: FBT001
) -> None:
    declared = {"checksum_crc64nvme": checksum_of(BODY)}
    upload = Upload.start(any_api, size=len(BODY), **(declared if is_declared_at_start else {}))
    send_parts(upload, flip(BODY))
    body = {**upload.reference, **({} if is_declared_at_start else declared)}

    refused = problem(any_api.post("/api/complete-upload", json=body), 409, "checksum-mismatch")

    assert refused["declared_checksum"] == checksum_of(BODY)
    assert refused["object_checksum"] == checksum_of(flip(BODY))
    status = answer(upload.status())
    assert (status["status"], status["location"]) == ("aborted", None)


def test_store_refuses_a_part_with_a_changed_byte(any_api: httpx.Client) -> None:
    upload = Upload.start(any_api, size=5)
    query: dict[str, str | int] = {
        **upload.identity,
        "part_number": 1,
        "checksum_crc64nvme": checksum_of(b"hello"),
    }
    signed = answer(any_api.get("/api/get-signed-url", params=query))

    refused = direct.put(signed["signed_url"], flip(b"hello"), signed["headers"])
    sent = direct.put(signed["signed_url"], b"hello", signed["headers"])

    assert (refused.status_code, "BadDigest" in refused.text) == (400, True)
    assert sent.is_success


@pytest.mark.parametrize("checksum", ["", "M3eFcAZSQlc", "M3eFcAZSQl==", "M3eFcAZSQld=", "x" * 12])
def test_malformed_checksum_is_named(any_api: httpx.Client, checksum: str) -> None:
    upload = Upload.start(any_api, size=5)
    declared = {"checksum_crc64nvme": checksum}
    fields = {"user_id": "alice", "filename": "a", "content_type": "text/plain", **declared}
    query: dict[str, str | int] = {**upload.identity, "part_number": 1, **declared}

    responses = [
        any_api.post("/api/start-upload", json=fields),
        any_api.post("/api/complete-upload", json={**upload.reference, **declared}),
        any_api.get("/api/get-signed-url", params=query),
    ]

    for response in responses:
        assert wrong_fields(response) == ["checksum_crc64nvme"]


@pytest.mark.parametrize("is_right", [True, False])
def test_page_with_uppy_declares_the_checksum_as_metadata(
    api: httpx.Client,
    is_right: bool,  # noqa: FBT001
) -> None:
    declared = checksum_of(b"hello" if is_right else b"other")
    metadata = {"checksum_crc64nvme": declared}
    upload = CompanionUpload.create(api, metadata=metadata)
    part = upload.put(1, b"hello")

    completed = upload.complete(part)

    assert completed.status_code == (200 if is_right else 409)
