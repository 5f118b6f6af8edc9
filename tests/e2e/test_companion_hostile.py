"""Companion's routes refuse access to uploads of other users, and invalid requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from .bucket import Bucket
from .companion import CompanionUpload, refusal, success
from .service import running_service
from .upload import MIB, Upload

pytestmark = pytest.mark.e2e

PART: Final = {"PartNumber": 1, "ETag": "x"}
CALLS: Final[dict[str, Callable[[CompanionUpload], httpx.Response]]] = {
    "list": CompanionUpload.list,
    "sign": lambda upload: upload.sign(1),
    "batch": lambda upload: upload.sign_batch("1,2"),
    "complete": lambda upload: upload.complete(PART),
    "abort": CompanionUpload.abort,
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture
def upload(each_api: httpx.Client) -> CompanionUpload:
    return CompanionUpload.create(each_api)


def named(upload: CompanionUpload, **other: str) -> CompanionUpload:
    return replace(upload, created={**upload.created, **other})


@every_call
def test_id_of_another_session_is_refused(
    upload: CompanionUpload, call: Callable[[CompanionUpload], httpx.Response]
) -> None:
    victim = CompanionUpload.create(upload.api)
    guessed = named(upload, uploadId=victim.created["uploadId"])

    refusal(call(guessed), 404, "upload-not-found")

    assert success(victim.list()) == []


@every_call
def test_key_of_another_upload_is_refused(
    upload: CompanionUpload, call: Callable[[CompanionUpload], httpx.Response]
) -> None:
    refusal(call(named(upload, key="other/secret.txt")), 404, "upload-not-found")

    assert success(upload.list()) == []


@every_call
def test_uploads_of_other_users_are_not_found(
    each_api: httpx.Client, call: Callable[[CompanionUpload], httpx.Response]
) -> None:
    other = Upload.start(each_api, user_id="alice")
    stolen = {"uploadId": other.started["upload_id"], "key": other.key}

    refusal(call(CompanionUpload(each_api, stolen)), 404, "upload-not-found")

    assert other.status().json()["status"] == "initiated"


@pytest.mark.parametrize("number", ["0", "10001", "-1", "1.5", "1e3", "abc", "٣", "99999999999999"])
def test_a_forged_part_number_is_refused(upload: CompanionUpload, number: str) -> None:
    refusal(upload.sign(number), 400, "invalid-field")
    refusal(upload.sign_batch(f"1,{number}"), 400, "invalid-field")


@pytest.mark.parametrize("number", [0, 10_001, -1, 1.5, None, "abc", True])
def test_a_forged_part_number_in_a_complete_is_refused(
    upload: CompanionUpload, number: object
) -> None:
    refusal(upload.complete({"PartNumber": number, "ETag": "x"}), 400, "invalid-field")


def test_batch_size_is_limited(upload: CompanionUpload) -> None:
    numbers = ",".join(map(str, range(1, 1002)))

    refusal(upload.sign_batch(numbers), 400, "invalid-field")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"parts": None},
        {"parts": {}},
        {"parts": [1]},
        {"parts": [{"PartNumber": 1}]},
        {"parts": [{"ETag": "x"}]},
        {"parts": [{"PartNumber": 1.5, "ETag": "x"}]},
        {"parts": [{"PartNumber": 1, "ETag": None}]},
        {"parts": [PART] * 10_001},
    ],
)
def test_invalid_list_of_parts_is_refused(upload: CompanionUpload, body: dict[str, Any]) -> None:
    answer = upload.api.post(f"{upload.path}/complete", params={"key": upload.key}, json=body)

    refusal(answer, 400, "invalid-field")


def test_missing_and_forged_parts_are_named(upload: CompanionUpload, bucket: Bucket) -> None:
    upload.put(1, b"x")

    refused = refusal(
        upload.complete({"PartNumber": 1, "ETag": "0" * 32}, {"PartNumber": 2, "ETag": "x"}),
        409,
        "parts-missing",
    )

    assert (refused["missing_parts"], refused["mismatched_parts"]) == ([2], [1])
    assert not bucket.has(upload.key)


def test_all_ten_thousand_parts_with_checksums_fit_into_a_complete(
    upload: CompanionUpload,
) -> None:
    parts = [
        {"PartNumber": n, "ETag": '"' + "0" * 32 + '"', "ChecksumSHA256": "x" * 44}
        for n in range(1, 10_001)
    ]

    refused = refusal(upload.complete(*parts), 409, "parts-missing")

    assert len(refused["missing_parts"]) == 10_000


def test_body_of_three_mebibytes_is_too_large(upload: CompanionUpload) -> None:
    answer = upload.api.post(
        f"{upload.path}/complete", params={"key": upload.key}, content=b" " * (3 * MIB)
    )

    refusal(answer, 413, "body-too-large")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff", b'{"filename": "\\ud800"}', b"[" * 60_000]
)
def test_body_that_is_not_an_object_is_refused(upload: CompanionUpload, content: bytes) -> None:
    refusal(upload.api.post("/s3/multipart", content=content), 400, "malformed-request")


@pytest.mark.parametrize(
    "body",
    [
        {"type": "text/plain"},
        {"filename": ""},
        {"filename": None},
        {"filename": 5},
        {"filename": "x" * 1025},
        {"filename": "a", "type": 5},
        {"filename": "a", "type": "text/plain\r\nX-Evil: 1"},
        {"filename": "a", "metadata": "text"},
        {"filename": "a", "metadata": ["list"]},
    ],
)
def test_impossible_file_is_refused(upload: CompanionUpload, body: dict[str, Any]) -> None:
    refusal(upload.api.post("/s3/multipart", json=body), 400, "invalid-field")


def test_unusual_metadata_is_converted_to_valid_object_metadata(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    metadata = {
        "name": "наш отпуск\r\nX-Evil: 1",
        "relativePath": None,
        "rating": 5,
        "public": True,
        "tags": {"place": ["Zürich", None]},
        "größe": "1",
        "multipart-upload-id": "forged",
        "long": "x" * 2000,
        "last": "kept",
    }
    upload = CompanionUpload.create(each_api, metadata=metadata)

    success(upload.complete(upload.put(1, b"x")))

    stored = bucket.download(upload.key).metadata
    ours = {"multipart-upload-id", "multipart-upload-nonce"}
    assert stored.keys() == {"name", "rating", "public", "tags", "last", *ours}
    assert stored["multipart-upload-id"] == upload.created["uploadId"]
    assert (stored["rating"], stored["public"], stored["last"]) == ("5", "true", "kept")


@pytest.mark.parametrize(
    "filename", ["../../etc/passwd", "a/b\\c.txt", "..", "\u202eexe.txt", "a\r\nb", "${filename}"]
)
def test_file_name_cannot_escape_its_key(api: httpx.Client, filename: str) -> None:
    upload = CompanionUpload.create(api, filename)
    form = success(api.get("/s3/params", params={"filename": filename}))

    for key in (upload.key, form["fields"]["key"]):
        user, id_and_nonce, last = key.split("/")
        assert user == "companion"
        assert re.fullmatch(r"[0-9a-f]{32}\.[0-9a-f]{16}", id_and_nonce)
        assert last not in {"", ".", ".."}


class TestBehindAnAuthenticatingProxy:
    @pytest.fixture
    def api(self, bucket: Bucket, tmp_path: Path) -> Iterator[httpx.Client]:
        settings = {**bucket.settings, "COMPANION_USER_HEADER": "X-Forwarded-User"}
        with running_service(tmp_path, settings) as service, service.client() as api:
            yield api

    def test_upload_belongs_to_the_user_named_by_the_proxy(self, api: httpx.Client) -> None:
        api.headers["X-Forwarded-User"] = "ada"
        upload = CompanionUpload.create(api)
        assert upload.key.startswith("ada/")

        api.headers["X-Forwarded-User"] = "eve"
        for call in CALLS.values():
            refusal(call(upload), 404, "upload-not-found")

    def test_request_without_a_user_is_refused(self, api: httpx.Client) -> None:
        refusal(api.post("/s3/multipart", json={"filename": "a"}), 401, "unknown-user")
        refusal(api.get("/s3/params", params={"filename": "a"}), 401, "unknown-user")

    def test_two_user_headers_are_refused(self, api: httpx.Client) -> None:
        twice = [("X-Forwarded-User", "eve"), ("X-Forwarded-User", "ada")]

        refusal(
            api.post("/s3/multipart", json={"filename": "a"}, headers=twice), 401, "unknown-user"
        )
