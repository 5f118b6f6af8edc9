"""The service compares the bytes of finished objects with the declared type."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.patience import wait_until

from .bucket import Bucket
from .service import running_service
from .upload import Upload, answer, problem

pytestmark = pytest.mark.e2e

PAGE: Final = b"<!DOCTYPE html><html></html>"


def send(api: httpx.Client, content_type: str) -> Upload:
    upload = Upload.start(api, content_type=content_type, size=len(PAGE))
    upload.send(1, PAGE)
    return upload


@pytest.mark.parametrize(
    ("content_type", "is_mismatch"), [("text/html", False), ("image/png", True)]
)
def test_status_reports_the_detected_type(
    api: httpx.Client,
    content_type: str,
    is_mismatch: bool,  # noqa: FBT001
) -> None:
    upload = send(api, content_type)
    before = answer(upload.status())
    assert (before["detected_type"], before["content_mismatch"]) == (None, False)

    answer(upload.complete())

    after = answer(upload.status())
    assert (after["status"], after["detected_type"]) == ("completed", "text/html")
    assert after["content_mismatch"] is is_mismatch


def test_refused_object_is_deleted(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, "CONTENT_CHECK": "refuse"}
    with running_service(tmp_path, settings) as service, service.client() as api:
        upload = send(api, "image/png")
        refused = problem(upload.complete(), 422, "content-type-mismatch")
        again = problem(upload.complete(), 422, "content-type-mismatch")
        status = answer(upload.status())
        wait_until(
            lambda: len(answer(api.get("/api/events"))["events"]) == 2, "both events are collected"
        )
        ended = answer(api.get("/api/events"))["events"][1]

    assert (refused["declared_type"], refused["detected_type"]) == ("image/png", "text/html")
    assert again == refused
    assert (status["status"], status["detected_type"]) == ("aborted", "text/html")
    assert (ended["type"], ended["data"]["reason"]) == ("upload.aborted", "content-type-mismatch")
    found = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=upload.key)
    assert found["KeyCount"] == 0
