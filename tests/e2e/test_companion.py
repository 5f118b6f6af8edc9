"""Companion's routes in every state of an upload."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from . import direct
from .bucket import Bucket
from .companion import CompanionUpload, refusal, success
from .service import Service
from .upload import MIB, some_bytes

pytestmark = pytest.mark.e2e

FIRST, LAST = some_bytes(5 * MIB), b"the end"


def both_sent(api: httpx.Client) -> tuple[CompanionUpload, list[dict[str, Any]]]:
    upload = CompanionUpload.create(api)
    return upload, [upload.put(2, LAST), upload.put(1, FIRST)]


def test_a_file_goes_from_create_to_complete(each_api: httpx.Client, bucket: Bucket) -> None:
    upload, parts = both_sent(each_api)

    done = success(upload.complete(*parts))

    assert upload.created.keys() == {"key", "uploadId", "bucket"}
    assert upload.created["bucket"] == bucket.name
    assert done.keys() == {"location", "key", "bucket"}
    assert (done["key"], done["bucket"]) == (upload.key, bucket.name)
    assert bucket.download(upload.key).body == FIRST + LAST


def test_upload_id_of_s3_is_never_exposed(api: httpx.Client, bucket: Bucket) -> None:
    upload = CompanionUpload.create(api)

    (store_id,) = bucket.open_uploads(upload.key)

    assert upload.created["uploadId"] != store_id


def test_list_of_parts_is_an_array_with_the_field_names_of_s3(each_api: httpx.Client) -> None:
    upload, parts = both_sent(each_api)

    assert success(upload.list()) == [
        {"PartNumber": 1, "Size": len(FIRST), "ETag": parts[1]["ETag"]},
        {"PartNumber": 2, "Size": len(LAST), "ETag": parts[0]["ETag"]},
    ]
    assert parts[0]["ETag"].startswith('"')


def test_an_upload_without_parts_has_an_empty_list(api: httpx.Client) -> None:
    assert success(CompanionUpload.create(api).list()) == []


def test_signed_url_comes_with_its_lifetime(api: httpx.Client) -> None:
    signed = success(CompanionUpload.create(api).sign(10_000))

    assert signed.keys() == {"url", "expires"}
    assert 3590 <= signed["expires"] <= 3600


def test_batch_returns_several_urls(api: httpx.Client) -> None:
    upload = CompanionUpload.create(api)

    urls = success(upload.sign_batch("1,2, 10000"))["presignedUrls"]

    assert list(urls) == ["1", "2", "10000"]
    assert direct.put(urls["2"], b"x").status_code == 200
    assert [part["PartNumber"] for part in success(upload.list())] == [2]


def test_etags_are_accepted_with_and_without_quotes(api: httpx.Client) -> None:
    upload, (last, first) = both_sent(api)

    success(upload.complete({**first, "ETag": first["ETag"].strip('"')}, last))


def test_small_file_can_be_a_single_part(api: httpx.Client, bucket: Bucket) -> None:
    upload = CompanionUpload.create(api)

    success(upload.complete(upload.put(1, b"")))

    assert bucket.download(upload.key).body == b""


def test_completed_upload_does_not_change(each_api: httpx.Client, bucket: Bucket) -> None:
    upload, parts = both_sent(each_api)
    done = success(upload.complete(*parts))
    listed = [1, 2]

    assert success(upload.complete(*parts)) == done
    assert success(upload.abort()) == {}
    assert [part["PartNumber"] for part in success(upload.list())] == listed
    assert success(upload.complete(*success(upload.list()))) == done
    refusal(upload.sign(1), 409, "wrong-state")
    refusal(upload.complete(parts[0]), 409, "parts-unnamed")
    refusal(upload.complete(parts[0], {**parts[1], "ETag": "x"}), 409, "parts-missing")
    assert bucket.download(upload.key).body == FIRST + LAST


def test_abort_leaves_nothing_in_s3(each_api: httpx.Client, bucket: Bucket) -> None:
    upload, parts = both_sent(each_api)

    assert success(upload.abort()) == {}
    assert success(upload.abort()) == {}
    for answer in (upload.list(), upload.sign(1), upload.complete(*parts)):
        refusal(answer, 404, "upload-not-found")
    assert bucket.open_uploads(upload.key) == []


def test_upload_lost_by_s3_restarts_under_the_same_id(
    each_api: httpx.Client, bucket: Bucket
) -> None:
    upload, parts = both_sent(each_api)
    (store_id,) = bucket.open_uploads(upload.key)
    bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=upload.key, UploadId=store_id)

    assert success(upload.list()) == []
    assert refusal(upload.complete(*parts), 409, "parts-missing")["missing_parts"] == [1, 2]
    success(upload.complete(upload.put(1, LAST)))
    assert bucket.download(upload.key).body == LAST


def test_upload_lost_by_s3_can_be_aborted(api: httpx.Client, bucket: Bucket) -> None:
    upload, _ = both_sent(api)
    (store_id,) = bucket.open_uploads(upload.key)
    bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=upload.key, UploadId=store_id)

    assert success(upload.abort()) == {}


def test_trailing_slash_is_accepted(service: Service) -> None:
    body = {"filename": "a b+c.txt", "type": "text/plain"}

    with service.client() as api:
        created = success(api.post(f"{service.url}//s3/multipart", json=body))
        # URLSearchParams writes + for a space and %2B for a plus.
        key = created["key"].replace("+", "%2B").replace("/", "%2F").replace(" ", "+")
        listed = api.get(f"{service.url}//s3/multipart/{created['uploadId']}?key={key}")

    assert success(listed) == []


@pytest.mark.parametrize("kind", [{}, {"type": None}, {"type": ""}], ids=["none", "null", "empty"])
def test_file_without_a_type_is_an_octet_stream(
    api: httpx.Client, bucket: Bucket, kind: dict[str, object]
) -> None:
    created = success(api.post("/s3/multipart", json={"filename": "a", **kind}))
    upload = CompanionUpload(api, created)

    success(upload.complete(upload.put(1, b"x")))

    assert bucket.download(upload.key).content_type == "application/octet-stream"


class TestSingleUploads:
    def test_form_accepts_the_declared_file(self, api: httpx.Client, bucket: Bucket) -> None:
        query = "filename=Zo%C3%AB%20b.txt&type=text%2Fplain&metadata%5Bauthor%5D=Zo%C3%AB"

        form = success(api.get(f"/s3/params?{query}&metadata[other]=2"))
        sent = direct.post_form(form["url"], form["fields"], LAST)

        assert (sent.status_code, form["method"]) == (201, "POST")
        assert form["url"].endswith("/")
        assert 3590 <= form["expires"] <= 3600
        stored = bucket.download(form["fields"]["key"])
        assert (stored.body, stored.content_type) == (LAST, "text/plain")
        assert stored.metadata["other"] == "2"
        assert stored.metadata["author"].startswith("=?UTF-8?")

    def test_form_requires_a_file_name(self, api: httpx.Client) -> None:
        refusal(api.get("/s3/params", params={"type": "text/plain"}), 400, "invalid-field")
        refusal(api.get("/s3/params", params={"filename": ""}), 400, "invalid-field")

    def test_credentials_are_never_issued(self, api: httpx.Client) -> None:
        refused = refusal(api.get("/s3/sts"), 400, "malformed-request")

        assert "getTemporarySecurityCredentials" in refused["message"]
