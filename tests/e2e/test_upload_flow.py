"""A file uploaded through the service arrives unchanged in the bucket."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from .bucket import Bucket
from .upload import MIB, Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def test_parts_sent_out_of_order_and_twice_make_the_original_file(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    file = some_bytes(17 * MIB)
    upload = Upload.start(each_api, size=len(file))
    size, count = upload.started["part_size"], upload.started["part_count"]
    slices = {n: file[(n - 1) * size : n * size] for n in range(1, count + 1)}

    upload.send(2, some_bytes(size, seed=99))
    for number in (3, 2, 1):
        upload.send(number, slices[number])
    completed = answer(upload.complete())

    stored = bucket.download(upload.key)
    assert (size, count) == (8 * MIB, 3)
    assert sha256(stored.body) == sha256(file)
    assert stored.content_type == "video/mp4"
    assert (completed["key"], completed["size"]) == (upload.key, 17 * MIB)
    assert completed["message"] == "Upload completed successfully"
    assert completed["location"].endswith(f"/{bucket.name}/{upload.key}")
    assert completed["etag"]


def test_responses_of_the_four_original_routes_keep_their_fields(each_api: httpx.Client) -> None:
    started = answer(
        each_api.post(
            "/api/start-upload",
            json={"user_id": "alice", "filename": "a.txt", "content_type": "text/plain"},
        )
    )
    upload = Upload(each_api, "alice", started)
    signed = answer(upload.sign(1))
    recorded = answer(upload.record(1, upload.put(1, b"hello")))
    completed = answer(upload.complete())

    assert upload.key_of_file("alice", "a.txt").fullmatch(upload.key)
    assert signed["signed_url"].startswith("http")
    assert recorded == {"status": "in-progress", "parts_recorded": 1, "success": True}
    assert {"message", "location", "key"} <= completed.keys()


def test_one_small_part_without_a_declared_size_is_a_file(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    upload = Upload.start(each_api)

    upload.send(1, b"small")
    completed = answer(upload.complete())

    assert (upload.started["part_size"], upload.started["part_count"]) == (None, None)
    assert bucket.download(upload.key).body == b"small"
    assert completed["size"] == 5


def test_parts_without_a_declared_size_are_completed_by_number(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    upload = Upload.start(each_api)
    first, last = some_bytes(5 * MIB), b"the end"

    upload.send(2, last)
    upload.send(1, first)
    answer(upload.complete())

    assert sha256(bucket.download(upload.key).body) == sha256(first + last)


def test_empty_file_is_one_part_of_zero_bytes(each_api: httpx.Client, bucket: Bucket) -> None:
    upload = Upload.start(each_api, size=0)

    upload.send(1, b"")
    completed = answer(upload.complete())

    assert upload.started["part_count"] == 1
    assert bucket.download(upload.key).body == b""
    assert completed["size"] == 0


def test_unrecorded_parts_are_found_in_s3(each_api: httpx.Client, bucket: Bucket) -> None:
    file = some_bytes(8 * MIB + 5)
    upload = Upload.start(each_api, size=len(file))

    upload.put(1, file[: 8 * MIB])
    upload.put(2, file[8 * MIB :])
    answer(upload.complete())

    assert sha256(bucket.download(upload.key).body) == sha256(file)
    parts = answer(upload.list_parts())["parts"]
    assert [(part["part_number"], part["status"]) for part in parts] == [
        (1, "verified"),
        (2, "verified"),
    ]


def test_object_has_the_metadata_and_type_of_the_upload(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    upload = Upload.start(each_api, content_type="", metadata={"Project": "Apollo"})

    upload.send(1, b"x")
    answer(upload.complete())

    stored = bucket.download(upload.key)
    assert stored.content_type == "application/octet-stream"
    assert stored.metadata["project"] == "Apollo"
    assert upload.started["upload_id"] in stored.metadata.values()


def test_completing_twice_returns_the_same_bytes(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api)
    upload.send(1, b"x")

    first, second = upload.complete(), upload.complete()

    answer(first)
    assert second.content == first.content


def test_aborting_twice_succeeds_and_leaves_nothing_in_s3(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    upload = Upload.start(each_api)
    upload.send(1, b"x")
    open_before = bucket.open_uploads(upload.key)

    first, second = upload.abort(), upload.abort()

    assert answer(first) == {"status": "aborted", "message": "Upload aborted"}
    assert second.content == first.content
    assert len(open_before) == 1
    assert bucket.open_uploads(upload.key) == []
    problem(upload.complete(), 409, "wrong-state")
