"""Rare responses of S3, from a server with prepared answers, and the errors that they become."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ParamValidationError

from multipart_upload.adapters.s3.errors import await_answer, translate_errors
from multipart_upload.application.ports import ObjectStore, OpenedUpload
from multipart_upload.domain.errors import (
    PartsRefusedError,
    StoreMisconfiguredError,
    StoreRefusedError,
    StoreUnavailableError,
    StoreUploadGoneError,
    UploadError,
)
from multipart_upload.domain.part import StoredPart
from multipart_upload.testing.contract.sample_uploads import KEY, new_object
from tests.servers.scripted_server import ScriptedServer, http_answer, s3_error

from .scripted_store import answering

ID = "2~abc"
PARTS: Sequence[StoredPart] = [
    StoredPart(number=1, etag="aa", size=5, stored_at=datetime.now(UTC)),
    StoredPart(number=2, etag="bb", size=3, stored_at=datetime.now(UTC)),
]
COMPLETED = http_answer(
    "200 OK",
    '<?xml version="1.0"?>\n\n<CompleteMultipartUploadResult><ETag>"cc-2"</ETag>'
    "<ChecksumCRC64NVME>M3eFcAZSQlc=</ChecksumCRC64NVME></CompleteMultipartUploadResult>",
)
NO_PARTS = http_answer(
    "200 OK", "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"
)


def methods(server: ScriptedServer) -> list[str]:
    return [head.partition(" ")[0] for head in server.requests]


async def test_complete_sends_the_size_of_the_object() -> None:
    async with answering(COMPLETED) as (store, server):
        completed = await store.complete_upload(KEY, ID, PARTS)
    assert (completed.etag, completed.size) == ("cc-2", 8)
    assert completed.checksum == "M3eFcAZSQlc="
    assert "x-amz-mp-object-size: 8" in server.requests[0].lower()


@pytest.mark.parametrize("checksum", ["M3eFcAZSQlc=", None])
async def test_checksum_that_the_answer_leaves_out_is_read(checksum: str | None) -> None:
    without = http_answer(
        "200 OK",
        '<CompleteMultipartUploadResult><ETag>"c-2"</ETag></CompleteMultipartUploadResult>',
    )
    header = f"\r\nx-amz-checksum-crc64nvme: {checksum}" if checksum else ""
    head = f'HTTP/1.1 200 OK\r\nETag: "c-2"\r\nContent-Length: 8{header}\r\n\r\n'.encode()
    async with answering(without, head) as (store, server):
        completed = await store.complete_upload(KEY, ID, PARTS)
    assert completed.checksum == checksum
    assert methods(server) == ["POST", "HEAD"]
    assert "x-amz-checksum-mode: enabled" in server.requests[1].lower()


async def test_checksum_that_may_not_be_read_is_unknown() -> None:
    without = http_answer(
        "200 OK",
        '<CompleteMultipartUploadResult><ETag>"c-2"</ETag></CompleteMultipartUploadResult>',
    )
    forbidden = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    async with answering(without, forbidden) as (store, _):
        completed = await store.complete_upload(KEY, ID, PARTS)
    assert (completed.etag, completed.checksum) == ("c-2", None)


async def test_complete_is_repeated_without_the_size_if_the_store_does_not_know_that() -> None:
    unknown = s3_error("501 Not Implemented", "NotImplemented")
    async with answering(unknown, COMPLETED) as (store, server):
        assert (await store.complete_upload(KEY, ID, PARTS)).size == 8
    assert "x-amz-mp-object-size" in server.requests[0].lower()
    assert "x-amz-mp-object-size" not in server.requests[-1].lower()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("InternalError", StoreUnavailableError),
        ("SlowDown", StoreUnavailableError),
        ("NeverHeardOf", StoreUnavailableError),
        ("NoSuchUpload", StoreUploadGoneError),
        ("InvalidPart", PartsRefusedError),
    ],
)
async def test_an_error_in_a_200_is_translated_like_any_error(
    code: str, error: type[UploadError]
) -> None:
    # S3 sends the status before it has assembled the parts. The last answer is for ListParts: the
    # upload still exists.
    refused = s3_error("200 OK", code)
    async with answering(refused, refused, NO_PARTS) as (store, _):
        with pytest.raises(error):
            await store.complete_upload(KEY, ID, PARTS)


async def test_an_error_in_a_200_is_not_a_completed_object() -> None:
    async with answering(s3_error("200 OK", "InternalError"), NO_PARTS) as (store, server):
        with pytest.raises(StoreUnavailableError):
            await store.complete_upload(KEY, ID, PARTS)
    assert methods(server) == ["POST", "GET"]


async def test_a_failed_complete_of_an_upload_that_the_store_does_not_know_means_gone() -> None:
    broken = http_answer("500 Internal Server Error", "<html>KeyError</html>")
    gone = s3_error("404 Not Found", "NoSuchUpload")
    async with answering(broken, gone) as (store, server):
        with pytest.raises(StoreUploadGoneError):
            await store.complete_upload(KEY, ID, PARTS)
    assert methods(server) == ["POST", "GET"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("EntityTooSmall", PartsRefusedError),
        ("EntityTooLarge", PartsRefusedError),
        ("InvalidPart", PartsRefusedError),
        ("InvalidPartOrder", PartsRefusedError),
        ("InvalidRequest", PartsRefusedError),
        ("MalformedXML", PartsRefusedError),
        ("NoSuchUpload", StoreUploadGoneError),
        ("NoSuchKey", StoreUploadGoneError),
        ("AccessDenied", PartsRefusedError),
        ("NoSuchBucket", PartsRefusedError),
        ("KeyTooLongError", PartsRefusedError),
        ("MetadataTooLarge", PartsRefusedError),
        ("KMS.DisabledException", PartsRefusedError),
        ("NeverHeardOf", PartsRefusedError),
        ("RequestTimeout", StoreUnavailableError),
        ("SlowDown", StoreUnavailableError),
        ("ExpiredToken", StoreUnavailableError),
        ("KMS.ThrottlingException", StoreUnavailableError),
        ("ConditionalRequestConflict", StoreUnavailableError),
    ],
)
async def test_each_error_code_of_complete_has_its_meaning(
    code: str, error: type[UploadError]
) -> None:
    async with answering(s3_error("400 Bad Request", code), NO_PARTS) as (store, _):
        with pytest.raises(error) as raised:
            await store.complete_upload(KEY, ID, PARTS)
    assert raised.value.extensions.get("reason", code) == code


CALLS: Mapping[str, Callable[[ObjectStore], Awaitable[object]]] = {
    "create": lambda store: store.create_upload(new_object()),
    "list_parts": lambda store: store.list_parts(KEY, ID),
    "abort": lambda store: store.abort_upload(KEY, ID),
    "list_uploads": lambda store: store.list_uploads(KEY),
    "scan_uploads": lambda store: store.scan_uploads(""),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "code", ["InvalidRequest", "MalformedXML", "AccessDenied", "KeyTooLongError"]
)
async def test_a_lasting_refusal_is_reported_with_its_code(
    call: Callable[[ObjectStore], Awaitable[object]], code: str
) -> None:
    async with answering(s3_error("403 Forbidden", code)) as (store, _):
        with pytest.raises(StoreRefusedError) as refused:
            await call(store)
    assert refused.value.extensions == {"reason": code}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("NoSuchBucket", "bucket-missing"),
        ("InvalidAccessKeyId", "credentials-refused"),
        ("SignatureDoesNotMatch", "credentials-refused"),
        ("AuthorizationHeaderMalformed", "wrong-region"),
    ],
)
async def test_what_only_an_operator_can_fix_is_a_misconfiguration(
    call: Callable[[ObjectStore], Awaitable[object]], code: str, reason: str
) -> None:
    async with answering(s3_error("403 Forbidden", code)) as (store, _):
        with pytest.raises(StoreMisconfiguredError) as refused:
            await call(store)
    assert refused.value.extensions == {"reason": reason}
    assert refused.value.retry_after is None


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        s3_error("503 Service Unavailable", "SlowDown"),
        s3_error("500 Internal Server Error", "InternalError"),
        s3_error("400 Bad Request", "RequestTimeout"),
        s3_error("400 Bad Request", "ThrottlingException"),
        s3_error("409 Conflict", "OperationAborted"),
        # A response without S3's code may come from a proxy.
        http_answer("403 Forbidden", "<html>Go away</html>"),
        http_answer("404 Not Found"),
    ],
)
async def test_a_refusal_that_may_end_is_unavailability(
    call: Callable[[ObjectStore], Awaitable[object]], answer: bytes
) -> None:
    async with answering(answer) as (store, _):
        with pytest.raises(StoreUnavailableError):
            await call(store)


@pytest.mark.parametrize(
    "code", ["AccessDenied", "KMS.DisabledException", "InvalidRequest", "MetadataTooLarge"]
)
async def test_a_lasting_refusal_of_complete_in_a_200_is_lasting(code: str) -> None:
    async with answering(s3_error("200 OK", code)) as (store, _):
        with pytest.raises(PartsRefusedError) as refused:
            await store.complete_upload(KEY, ID, PARTS)
    assert refused.value.extensions == {"reason": code}


async def test_an_unclear_complete_stays_unclear_when_list_parts_is_refused() -> None:
    unclear = s3_error("500 Internal Server Error", "InternalError")
    async with answering(unclear, s3_error("403 Forbidden", "AccessDenied")) as (store, _):
        with pytest.raises(StoreUnavailableError):
            await store.complete_upload(KEY, ID, PARTS)


async def test_a_completed_upload_is_not_reported_as_refused_when_head_is() -> None:
    result = "CompleteMultipartUploadResult"
    no_etag = http_answer("200 OK", f"<{result}><ETag></ETag></{result}>")
    async with answering(no_etag, http_answer("403 Forbidden")) as (store, _):
        with pytest.raises(StoreUnavailableError):
            await store.complete_upload(KEY, ID, PARTS)


async def test_a_forbidden_head_is_a_refusal_and_not_a_missing_object() -> None:
    async with answering(http_answer("403 Forbidden")) as (store, _):
        with pytest.raises(StoreRefusedError):
            await store.head_object(KEY)


@pytest.mark.parametrize("bug", [KeyError, ValueError, RuntimeError, TypeError])
async def test_a_bug_of_the_service_is_raised_unchanged(bug: type[Exception]) -> None:
    with pytest.raises(bug):
        async with translate_errors(1.0):
            raise bug


@pytest.mark.parametrize("failure", [KeyError, ValueError, RuntimeError])
async def test_a_response_that_botocore_cannot_read_is_unavailability(
    failure: type[Exception],
) -> None:
    async def call() -> None:
        raise failure

    with pytest.raises(StoreUnavailableError):
        async with translate_errors(1.0):
            await await_answer(call())


async def test_a_request_that_botocore_finds_malformed_is_a_bug_of_the_service() -> None:
    async with answering(NO_PARTS) as (store, server):
        with pytest.raises(ParamValidationError):
            await store.list_parts("", ID)
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        COMPLETED[:-20],
        http_answer("200 OK", "<html><body>Log in to the network</body>"),
        http_answer("200 OK", "<html><body>Log in to the network</body></html>"),
        http_answer("200 OK"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
    ],
    ids=["cut", "not XML", "a captive portal", "empty", "not HTTP", "hung up"],
)
async def test_a_response_that_is_not_from_s3_is_unavailability(answer: bytes) -> None:
    async with answering(answer) as (store, _):
        with pytest.raises(StoreUnavailableError):
            await store.create_upload(new_object())
        with pytest.raises(StoreUnavailableError):
            await store.complete_upload(KEY, ID, PARTS)
        with pytest.raises(StoreUnavailableError):
            await store.list_parts(KEY, ID)
        with pytest.raises(StoreUnavailableError):
            await store.list_uploads(KEY)


async def test_an_object_of_another_program_has_no_upload_id() -> None:
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "aa"\r\nConnection: close\r\n\r\n'
    async with answering(head) as (store, _):
        found = await store.head_object(KEY)
    assert found is not None
    assert (found.etag, found.size, found.upload_id) == ("aa", 5, None)


def page_of_uploads(*keys: str, more: bool) -> bytes:
    uploads = "".join(
        f"<Upload><Key>{key}</Key><UploadId>of {key}</UploadId>"
        "<Initiated>2026-01-01T00:00:00Z</Initiated></Upload>"
        for key in keys
    )
    return http_answer(
        "200 OK",
        f"<ListMultipartUploadsResult><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"<NextKeyMarker>{keys[-1]}</NextKeyMarker>{uploads}</ListMultipartUploadsResult>",
    )


async def test_a_page_of_uploads_says_where_the_next_page_starts() -> None:
    pages = page_of_uploads("a", "b", more=True), page_of_uploads("c", more=False)
    async with answering(*pages) as (store, server):
        first = await store.scan_uploads("")
        second = await store.scan_uploads("", first.next_after)
    assert [upload.key for upload in (*first.uploads, *second.uploads)] == ["a", "b", "c"]
    assert (first.next_after, second.next_after) == ("b", None)
    assert "key-marker=b" in server.requests[1]


@pytest.mark.parametrize(
    ("next_key", "pages_read"), [(f"{KEY[:-1]}", 2), (KEY, 2), (f"{KEY}/more", 1)]
)
async def test_the_uploads_of_a_key_are_read_up_to_the_first_later_key(
    next_key: str, pages_read: int
) -> None:
    pages = page_of_uploads(KEY, next_key, more=True), page_of_uploads("~", more=False)
    async with answering(*pages) as (store, server):
        uploads = await store.list_uploads(KEY)
    assert {upload.key for upload in uploads} == {KEY}
    assert len(server.requests) == pages_read


async def test_a_foreign_page_is_not_taken_for_an_empty_list_of_uploads() -> None:
    async with answering(http_answer("200 OK", "<html>Welcome</html>")) as (store, _):
        with pytest.raises(StoreUnavailableError):
            await store.scan_uploads("")


async def test_an_opened_upload_has_the_date_at_which_the_bucket_aborts_it() -> None:
    body = "<InitiateMultipartUploadResult><UploadId>2~a</UploadId></InitiateMultipartUploadResult>"
    plain = http_answer("200 OK", body)
    ruled = plain.replace(b"\r\n", b"\r\nx-amz-abort-date: Fri, 02 Jan 2026 00:00:00 GMT\r\n", 1)
    for answer, abort_date in ((plain, None), (ruled, datetime(2026, 1, 2, tzinfo=UTC))):
        async with answering(answer) as (store, _):
            opened = await store.create_upload(new_object())
        assert opened == OpenedUpload("2~a", abort_date)


async def test_a_part_without_required_fields_is_unavailability() -> None:
    body = (
        "<ListPartsResult><IsTruncated>false</IsTruncated>"
        "<Part><PartNumber>1</PartNumber></Part></ListPartsResult>"
    )
    async with answering(http_answer("200 OK", body)) as (store, _):
        with pytest.raises(StoreUnavailableError):
            await store.list_parts(KEY, ID)


async def test_botocore_does_not_retry_a_complete() -> None:
    async with answering(s3_error("500 Internal Server Error", "InternalError"), NO_PARTS) as (
        store,
        server,
    ):
        with pytest.raises(StoreUnavailableError):
            await store.complete_upload(KEY, ID, PARTS)
    assert methods(server) == ["POST", "GET"]


async def test_an_etag_that_complete_omits_is_read_by_head() -> None:
    completed = http_answer(
        "200 OK",
        "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>",
    )
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nETag: "cc-2"\r\nConnection: close\r\n\r\n'
    async with answering(completed, head) as (store, server):
        found = await store.complete_upload(KEY, ID, PARTS)
    assert (found.etag, found.size, found.upload_id) == ("cc-2", 8, None)
    assert methods(server) == ["POST", "HEAD"]
