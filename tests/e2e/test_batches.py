"""Signing and recording many parts in one request."""

from __future__ import annotations

import httpx
import pytest

from . import direct
from .bucket import Bucket
from .upload import MIB, Upload, answer, problem, some_bytes, wrong_fields

pytestmark = pytest.mark.e2e

FILE = some_bytes(16 * MIB + 3)
SLICES = {1: FILE[: 8 * MIB], 2: FILE[8 * MIB : 16 * MIB], 3: FILE[16 * MIB :]}


def signed(upload: Upload, part_numbers: object) -> httpx.Response:
    return upload.api.post(
        "/api/get-signed-urls", json={**upload.identity, "part_numbers": part_numbers}
    )


def recorded(upload: Upload, *parts: dict[str, object]) -> httpx.Response:
    return upload.api.post("/api/upload-parts", json={**upload.reference, "parts": parts})


def test_file_is_uploaded_with_one_request_to_sign_and_one_to_record(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    upload = Upload.start(each_api, size=len(FILE))
    parts: list[dict[str, object]] = []
    for url in answer(signed(upload, "all"))["urls"]:
        body = SLICES[url["part_number"]]
        sent = direct.put(url["signed_url"], body)
        number, etag = url["part_number"], sent.headers["etag"]
        parts.append({"part_number": number, "etag": etag, "size": len(body)})

    assert answer(recorded(upload, *parts)) == {
        "status": "in-progress",
        "parts_recorded": 3,
        "success": True,
    }
    answer(upload.complete())
    assert bucket.download(upload.key).body == FILE


def test_numbers_and_ranges_can_be_mixed_and_keep_their_order(each_api: httpx.Client) -> None:
    found = answer(signed(Upload.start(each_api), [9, "2-4", 3, 10_000]))

    assert [url["part_number"] for url in found["urls"]] == [9, 2, 3, 4, 10_000]
    assert all(f"partNumber={url['part_number']}&" in url["signed_url"] for url in found["urls"])
    assert found["expires_at"]


def test_ten_thousand_urls_fit_in_one_response(api: httpx.Client) -> None:
    found = answer(signed(Upload.start(api), ["1-10000"]))

    assert len({url["signed_url"] for url in found["urls"]}) == 10_000


def test_part_beyond_the_plan_is_named_by_position(api: httpx.Client) -> None:
    upload = Upload.start(api, size=len(FILE))

    assert wrong_fields(signed(upload, [1, "3-4"])) == ["part_numbers[1]"]
    wrong = recorded(upload, {"part_number": 1, "etag": "e"}, {"part_number": 4, "etag": "e"})
    assert wrong_fields(wrong) == ["parts[1].part_number"]
    assert answer(upload.status())["parts_recorded"] == 0


def test_ended_upload_is_not_signed(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api)
    answer(signed(upload, [1]))
    answer(upload.sign(1))
    answer(upload.abort())

    problem(signed(upload, [1]), 409, "wrong-state")
    problem(upload.sign(1), 409, "wrong-state")
