"""The log of a service with LOG_FORMAT=json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .bucket import Bucket
from .service import running_service
from .upload import Upload, answer


@pytest.mark.e2e
def test_every_line_is_json_and_state_changes_carry_their_ids(
    bucket: Bucket, tmp_path: Path
) -> None:
    settings = {**bucket.settings, "LOG_FORMAT": "json"}
    with running_service(tmp_path, settings, "--access-log") as service:
        with service.client(**{"X-Request-ID": "req-7"}) as api:
            upload = Upload.start(api, user_id="ada")
            upload.send(1, b"hello")
            answer(upload.complete())
            signed = answer(upload.status())
        service.terminate()
        lines = [json.loads(line) for line in service.log.splitlines()]

    assert signed["status"] == "completed"
    changes = [line for line in lines if "to_state" in line]
    assert [change["to_state"] for change in changes] == [
        "pending",
        "initiated",
        "in-progress",
        "completing",
        "completed",
    ]
    for change in changes:
        assert change["upload_id"] == upload.identity["upload_id"]
        assert change["user_id"] == "ada"
        assert change["request_id"] == "req-7"
    access = [line for line in lines if line["logger"] == "uvicorn.access"]
    assert any("/api/complete-upload" in line["message"] for line in access)
    assert "Signature" not in service.log


@pytest.mark.e2e
def test_generated_request_id_is_in_the_answer_and_the_log(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, "LOG_FORMAT": "json"}
    fields = {"user_id": "ada", "filename": "a.bin", "content_type": "video/mp4"}
    with running_service(tmp_path, settings) as service:
        with service.client(**{"X-Request-ID": "not acceptable"}) as api:
            response = api.post("/api/start-upload", json=fields)
        service.terminate()
        lines = [json.loads(line) for line in service.log.splitlines()]

    ids = {line["request_id"] for line in lines if "to_state" in line}
    assert ids == {response.headers["x-request-id"]}
