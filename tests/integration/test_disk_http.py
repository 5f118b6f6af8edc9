"""The HTTP side of the store in a folder: what is signed is taken, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from hashlib import md5
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from multipart_upload.adapters.disk.http import DiskServer
from multipart_upload.testing.contract.sample_uploads import KEY, new_object

from .disk import HOUR, DiskStore, open_disk

FULL = bytes(5 * 1024 * 1024)


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[DiskStore]:
    async with open_disk(tmp_path / "store") as disk:
        yield disk


def error_code(response: httpx.Response) -> str:
    return response.text.partition("<Code>")[2].partition("</Code>")[0]


async def test_etags_are_those_of_s3(disk: DiskStore) -> None:
    upload_id, _ = await disk.open_upload()
    first = await disk.put(upload_id, 1, FULL)
    second = await disk.put(upload_id, 2, b"last")
    digests = [md5(body, usedforsecurity=False) for body in (FULL, b"last")]
    assert [answer.headers["etag"] for answer in (first, second)] == [
        f'"{digest.hexdigest()}"' for digest in digests
    ]
    parts = await disk.store.list_parts(KEY, upload_id)
    completed = await disk.store.complete_upload(KEY, upload_id, parts)
    joined = md5(b"".join(digest.digest() for digest in digests), usedforsecurity=False)
    assert completed.etag == f"{joined.hexdigest()}-2"
    assert (disk.root / KEY).read_bytes() == FULL + b"last"
    assert disk.leftovers() == []


@pytest.mark.parametrize(
    "change",
    [
        {"partNumber": "2"},
        {"uploadId": "another"},
        {"length": "6"},
        {"expires": "9999999999"},
        {"signature": "0" * 64},
        {"signature": ""},
        {"more": "1"},
    ],
    ids=lambda change: str(next(iter(change.items()))),
)
async def test_changed_url_is_refused_before_the_body_is_read(
    disk: DiskStore, change: dict[str, str]
) -> None:
    upload_id, _ = await disk.open_upload()
    signed = await disk.store.sign_part(KEY, upload_id, 1, expires_in=HOUR, content_length=5)
    url = urlsplit(signed.url)
    query = urlencode({**dict(parse_qsl(url.query)), **change})

    async def body() -> AsyncIterator[bytes]:
        yield pytest.fail("the body was read")

    answer = await disk.http.put(
        url._replace(query=query).geturl(), content=body(), headers={"Content-Length": "5"}
    )
    assert (answer.status_code, error_code(answer)) == (403, "AccessDenied")
    assert await disk.store.list_parts(KEY, upload_id) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
async def test_url_for_a_put_allows_no_other_method(disk: DiskStore, method: str) -> None:
    upload_id, _ = await disk.open_upload()
    signed = await disk.store.sign_part(KEY, upload_id, 1, expires_in=HOUR)
    answer = await disk.http.request(method, signed.url)
    assert answer.status_code == (403 if method in {"GET", "HEAD"} else 405)


async def test_url_of_one_key_does_not_work_for_another(disk: DiskStore) -> None:
    upload_id, _ = await disk.open_upload()
    signed = await disk.store.sign_part(KEY, upload_id, 1, expires_in=HOUR)
    answer = await disk.http.put(signed.url.replace("alice", "mallory"), content=b"hello")
    assert answer.status_code == 403


async def test_expired_url_is_refused(disk: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    upload_id, _ = await disk.open_upload()
    signed = await disk.store.sign_part(KEY, upload_id, 1, expires_in=timedelta(seconds=1))
    later = signed.expires_at.timestamp() + 1
    monkeypatch.setattr("multipart_upload.adapters.disk.signing.time.time", lambda: later)
    assert (await disk.http.put(signed.url, content=b"hello")).status_code == 403


async def test_only_the_signed_length_is_taken(disk: DiskStore) -> None:
    upload_id, _ = await disk.open_upload()
    signed = await disk.store.sign_part(KEY, upload_id, 1, expires_in=HOUR, content_length=5)
    refused = await disk.http.put(signed.url, content=b"too long")
    assert (refused.status_code, error_code(refused)) == (403, "SignatureDoesNotMatch")
    assert (await disk.http.put(signed.url, content=b"hello")).status_code == 200


async def test_body_that_ends_early_stores_nothing(disk: DiskStore) -> None:
    upload_id, _ = await disk.open_upload()
    signed = await disk.store.sign_part(KEY, upload_id, 1, expires_in=HOUR)
    url = urlsplit(signed.url)
    sent: list[object] = []
    messages: Iterator[dict[str, object]] = iter(
        [
            {"type": "http.request", "body": b"hel", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: object) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "PUT",
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "headers": [(b"content-length", b"5")],
    }
    await DiskServer(disk.store)(scope, receive, send)
    assert sent == []
    assert await disk.store.list_parts(KEY, upload_id) == []
    await disk.store.abort_upload(KEY, upload_id)
    assert disk.leftovers() == []


async def test_length_is_required_and_limited(disk: DiskStore) -> None:
    upload_id, _ = await disk.open_upload()
    signed = await disk.store.sign_part(KEY, upload_id, 1, expires_in=HOUR)

    async def chunked() -> AsyncIterator[bytes]:
        yield b"hello"

    assert (await disk.http.put(signed.url, content=chunked())).status_code == 411
    huge = {"Content-Length": str(5 * 1024**3 + 1)}
    assert (await disk.http.put(signed.url, headers=huge)).status_code == 413


async def test_put_after_the_end_of_the_upload_is_not_found(disk: DiskStore) -> None:
    upload_id, _ = await disk.open_upload()
    await disk.store.abort_upload(KEY, upload_id)
    answer = await disk.put(upload_id, 1, b"hello")
    assert (answer.status_code, error_code(answer)) == (404, "NoSuchUpload")
    assert disk.leftovers() == []


async def test_object_is_served_as_an_attachment_and_by_range(disk: DiskStore) -> None:
    upload_id, _ = await disk.open_upload(b"hello world")
    parts = await disk.store.list_parts(KEY, upload_id)
    completed = await disk.store.complete_upload(KEY, upload_id, parts)
    url = await disk.store.sign_get(KEY, expires_in=HOUR)
    whole = await disk.http.get(url)
    assert whole.content == b"hello world"
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-disposition"] == 'attachment; filename="holiday.mp4"'
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["etag"] == f'"{completed.etag}"'
    head = await disk.http.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", "11")
    for asked, body, status in (
        ("bytes=0-4", b"hello", 206),
        ("bytes=6-", b"world", 206),
        ("bytes=-5", b"world", 206),
        ("bytes=4-400", b"o world", 206),
        ("bytes=11-", b"", 416),
        ("lines=1-2", b"hello world", 200),
    ):
        part = await disk.http.get(url, headers={"Range": asked})
        assert (part.content, part.status_code) == (body, status)
    missing = await disk.http.get(await disk.store.sign_get("a/b", expires_in=HOUR))
    assert (missing.status_code, error_code(missing)) == (404, "NoSuchKey")
    assert (await disk.http.get(url.partition("?")[0])).status_code == 403


async def test_form_over_its_limit_stores_nothing(disk: DiskStore) -> None:
    signed = await disk.store.sign_post(new_object(), max_size=10, expires_in=HOUR)
    file = {"file": ("blob", b"x" * 11)}
    answer = await disk.http.post(signed.url, data=dict(signed.fields), files=file)
    assert (answer.status_code, error_code(answer)) == (400, "EntityTooLarge")
    assert await disk.store.head_object(KEY) is None
    assert disk.leftovers() == []


async def test_form_that_is_not_signed_is_refused(disk: DiskStore) -> None:
    signed = await disk.store.sign_post(new_object(), max_size=10, expires_in=HOUR)
    other = await disk.store.sign_post(new_object("a/b"), max_size=10, expires_in=HOUR)
    for fields in (
        {},
        {**signed.fields, "key": "a/b"},
        {**signed.fields, "policy": other.fields["policy"]},
        {**signed.fields, "signature": "0"},
    ):
        answer = await disk.http.post(signed.url, data=fields, files={"file": ("blob", b"x")})
        assert answer.status_code == 403
    for headers in ({}, {"Content-Type": "multipart/form-data; boundary=x"}):
        malformed = await disk.http.post(signed.url, content=b"hello", headers=headers)
        assert (malformed.status_code, error_code(malformed)) == (400, "MalformedPOSTRequest")
    assert disk.leftovers() == []
