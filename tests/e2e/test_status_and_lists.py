"""Upload status, part lists, and paginated lists of uploads."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest

from .upload import MIB, Upload, answer, problem, some_bytes

pytestmark = pytest.mark.e2e


def pages(upload: Upload, **query: str | int) -> list[list[dict[str, Any]]]:
    """Read all pages of the user's uploads."""
    found = []
    page = answer(upload.siblings(**query))
    found.append(page["uploads"])
    while page["next_cursor"]:
        page = answer(upload.siblings(**query, cursor=page["next_cursor"]))
        found.append(page["uploads"])
    return found


def ids(uploads: list[dict[str, Any]]) -> list[str]:
    return [upload["upload_id"] for upload in uploads]


def test_status_follows_an_upload_to_its_end(each_api: httpx.Client) -> None:
    file = some_bytes(8 * MIB + 10)
    upload = Upload.start(each_api, size=len(file))
    begun = answer(upload.status())
    upload.send(2, file[8 * MIB :])
    halfway = answer(upload.status())
    upload.put(1, file[: 8 * MIB])
    answer(upload.complete())
    ended = answer(upload.status())

    assert (begun["status"], begun["missing_parts"]) == ("initiated", [1, 2])
    assert (halfway["status"], halfway["missing_parts"]) == ("in-progress", [1])
    assert (halfway["parts_recorded"], halfway["bytes_verified"]) == (1, 10)
    assert (ended["status"], ended["missing_parts"]) == ("completed", None)
    assert (ended["parts_verified"], ended["bytes_verified"]) == (2, len(file))
    assert ended["location"]
    assert ended["etag"]


def test_part_is_verified_when_s3_holds_it_as_reported(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api)
    upload.send(1, b"as reported")
    answer(upload.record(2, '"0123456789abcdef0123456789abcdef"'))
    etag = upload.put(3, b"never reported")

    parts = answer(upload.list_parts())["parts"]

    assert [(part["part_number"], part["status"], part["size"]) for part in parts] == [
        (1, "verified", 11),
        (2, "uploaded", None),
        (3, "verified", 14),
    ]
    assert parts[2]["etag"] == etag.strip('"')


def test_reporting_a_part_again_changes_nothing(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api)
    etag = upload.put(1, b"x")

    first, second = upload.record(1, etag), upload.record(1, etag)

    answer(first)
    assert second.json() == first.json()


def test_the_last_report_of_a_part_wins(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api)
    etag = upload.put(1, b"x")
    answer(upload.record(1, etag))

    answer(upload.record(1, '"0123456789abcdef0123456789abcdef"'))
    refused = problem(upload.complete(), 409, "parts-missing")
    answer(upload.record(1, etag))

    assert (refused["missing_parts"], refused["mismatched_parts"]) == ([], [1])
    answer(upload.complete())


def test_pages_list_every_upload_once_newest_first(each_api: httpx.Client) -> None:
    user_id = f"user-{uuid4().hex}"
    uploads = [Upload.start(each_api, f"{n}.txt", user_id=user_id) for n in range(5)]

    found = pages(uploads[0], limit=2)

    listed = [upload for page in found for upload in page]
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(ids(listed)) == sorted(upload.started["upload_id"] for upload in uploads)
    # As times: one without microseconds has no fraction.
    times = [datetime.fromisoformat(upload["created_at"]) for upload in listed]
    assert all(newer >= older for newer, older in pairwise(times))


def test_uploads_are_filtered_by_status(each_api: httpx.Client) -> None:
    user_id = f"user-{uuid4().hex}"
    aborted, running, begun = (Upload.start(each_api, user_id=user_id) for _ in range(3))
    answer(aborted.abort())
    running.send(1, b"x")

    one = answer(begun.siblings(status="aborted"))["uploads"]
    several = answer(
        each_api.get(
            "/api/uploads", params={"user_id": user_id, "status": ["initiated", "in-progress"]}
        )
    )["uploads"]

    assert ids(one) == [aborted.started["upload_id"]]
    assert set(ids(several)) == {running.started["upload_id"], begun.started["upload_id"]}


def test_uploads_are_filtered_by_creation_time(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api)
    created_at = answer(upload.status())["created_at"]

    assert len(answer(upload.siblings(created_from=created_at))["uploads"]) == 1
    assert answer(upload.siblings(created_before=created_at))["uploads"] == []


def test_uploads_of_other_users_are_not_listed(each_api: httpx.Client) -> None:
    Upload.start(each_api)

    assert answer(each_api.get("/api/uploads", params={"user_id": uuid4().hex})) == {
        "uploads": [],
        "next_cursor": None,
    }
