"""The service on a store that accepts at most 1,000 parts."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from .bucket import Bucket
from .service import running_service
from .upload import GIB, Upload, problem

pytestmark = pytest.mark.e2e


@pytest.fixture
def api(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = {**bucket.settings, "S3_MAX_PARTS": "1000"}
    folder = tmp_path_factory.mktemp("parts")
    with running_service(folder, settings) as service, service.client() as api:
        yield api


def test_part_plan_part_numbers_and_openapi_use_the_configured_maximum(api: httpx.Client) -> None:
    assert Upload.start(api, size=9 * GIB).started["part_count"] <= 1000
    upload = Upload.start(api)
    assert upload.sign(1000).status_code == 200
    for refused in (upload.sign(1001), upload.record(1001, "0" * 32)):
        (error,) = problem(refused, 422, "invalid-field")["errors"]
        assert error["field"] == "part_number"
        assert "1000" in error["message"]
    document = api.get("/docs/openapi.json").json()
    number = document["components"]["schemas"]["RecordPartRequest"]["properties"]["part_number"]
    assert number["maximum"] == 1000
    assert '"maximum": 10000' not in json.dumps(document)
    assert "1 to 10000" not in json.dumps(document)
