"""Requests that do not fit the session: unknown, of another user, or in another state."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import httpx
import pytest

from . import direct
from .routes import ETAG, ON_ONE_UPLOAD
from .upload import MIB, Upload, answer, problem, some_bytes, wrong_fields

pytestmark = pytest.mark.e2e

NOT_FOUND: Final = "Upload session not found or no parts uploaded"
every_call = pytest.mark.parametrize("route", ON_ONE_UPLOAD)
with_user = pytest.mark.parametrize(
    "route", ["/api/upload-part", "/api/complete-upload", "/api/abort-upload"]
)


@pytest.fixture
def upload(each_api: httpx.Client) -> Upload:
    return Upload.start(each_api, size=2 * 8 * MIB)


def not_found(response: httpx.Response) -> dict[str, object]:
    body = problem(response, 404, "upload-not-found")
    assert body["detail"] == NOT_FOUND
    return body


@every_call
def test_unknown_id_and_wrong_key_get_the_same_404(upload: Upload, route: str) -> None:
    unknown = replace(upload, started={**upload.started, "upload_id": "0" * 32})
    wrong_key = replace(upload, started={**upload.started, "key": f"{upload.key}x"})

    assert not_found(ON_ONE_UPLOAD[route](unknown)) == not_found(ON_ONE_UPLOAD[route](wrong_key))


@with_user
def test_session_of_another_user_gets_the_same_404(upload: Upload, route: str) -> None:
    stranger = replace(upload, user_id="eve")
    nothing = replace(stranger, started={"upload_id": "0" * 32, "key": "nothing"})

    assert not_found(ON_ONE_UPLOAD[route](stranger)) == not_found(ON_ONE_UPLOAD[route](nothing))
    assert answer(upload.status())["status"] == "initiated"


@pytest.mark.parametrize("route", ["upload-status", "list-parts"])
def test_reading_as_another_user_is_404(upload: Upload, route: str) -> None:
    query = {**upload.identity, "user_id": "eve"}

    not_found(upload.api.get(f"/api/{route}", params=query))


@pytest.mark.parametrize("route", ["/api/get-signed-url", "/api/upload-part", "/api/abort-upload"])
def test_completed_upload_accepts_only_another_complete(each_api: httpx.Client, route: str) -> None:
    upload = Upload.start(each_api)
    upload.send(1, b"x")
    answer(upload.complete())

    refused = problem(ON_ONE_UPLOAD[route](upload), 409, "wrong-state")

    assert refused["upload_status"] == "completed"


@pytest.mark.parametrize(
    "route", ["/api/get-signed-url", "/api/upload-part", "/api/complete-upload"]
)
def test_aborted_upload_accepts_only_another_abort(upload: Upload, route: str) -> None:
    answer(upload.abort())

    refused = problem(ON_ONE_UPLOAD[route](upload), 409, "wrong-state")

    assert refused["upload_status"] == "aborted"


def test_complete_without_parts_is_404_and_keeps_the_session(upload: Upload) -> None:
    not_found(upload.complete())

    assert answer(upload.status())["status"] == "initiated"


def test_complete_names_a_missing_part(upload: Upload) -> None:
    upload.send(2, some_bytes(8 * MIB))

    refused = problem(upload.complete(), 409, "parts-missing")
    upload.send(1, some_bytes(8 * MIB))

    assert (refused["missing_parts"], refused["mismatched_parts"]) == ([1], [])
    answer(upload.complete())


def test_gap_is_a_missing_part_without_a_declared_size(each_api: httpx.Client) -> None:
    upload = Upload.start(each_api)
    upload.send(1, b"first")
    upload.send(3, b"third")

    assert problem(upload.complete(), 409, "parts-missing")["missing_parts"] == [2]


def test_a_part_recorded_but_never_put_is_missing(upload: Upload) -> None:
    upload.send(1, some_bytes(8 * MIB))
    answer(upload.record(2, ETAG))

    assert problem(upload.complete(), 409, "parts-missing")["missing_parts"] == [2]


@pytest.mark.parametrize("number", [3, 10_000])
def test_a_part_beyond_the_plan_is_refused(upload: Upload, number: int) -> None:
    assert wrong_fields(upload.sign(number)) == ["part_number"]
    assert wrong_fields(upload.record(number, ETAG)) == ["part_number"]


def test_size_that_differs_from_the_plan_is_refused(upload: Upload) -> None:
    assert wrong_fields(upload.sign(1, content_length=7)) == ["content_length"]
    assert wrong_fields(upload.record(1, ETAG, size=7)) == ["size"]


def test_url_signed_for_a_length_accepts_no_other_length(upload: Upload) -> None:
    signed = answer(upload.sign(1, content_length=8 * MIB))

    sent = direct.put(signed["signed_url"], b"short")

    assert sent.status_code == 403


# Only versitygw refuses small parts; where it is installed, `api` uses it.
@pytest.mark.usefixtures("versitygw")
def test_parts_refused_by_s3_as_too_small_can_be_replaced(api: httpx.Client) -> None:
    upload = Upload.start(api)
    upload.send(1, b"far below 5 MiB")
    upload.send(2, b"the end")

    refused = problem(upload.complete(), 409, "parts-refused")
    upload.send(1, some_bytes(5 * MIB))

    assert refused["reason"] == "EntityTooSmall"
    assert answer(upload.complete())["size"] == 5 * MIB + 7
