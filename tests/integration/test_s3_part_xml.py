"""ListParts is read, and CompleteMultipartUpload written, as botocore does it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import pytest
from botocore.config import Config
from botocore.session import get_session
from botocore.utils import parse_timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from multipart_upload.adapters.s3 import S3Config
from multipart_upload.adapters.s3.client import create_session, open_client
from multipart_upload.adapters.s3.part_xml import parse_time
from multipart_upload.domain.errors import StoreUnavailableError
from multipart_upload.domain.part import StoredPart
from multipart_upload.testing.contract.sample_uploads import KEY
from tests.servers.scripted_server import http_answer

from .scripted_store import answering

CONFIG: Final = S3Config(
    bucket="bucket",
    region="eu-west-1",
    access_key_id="key",
    secret_access_key="secret",
    endpoint_url="http://127.0.0.1:1",
)
STORED_AT: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PART: Final = (
    "<Part><PartNumber>7</PartNumber><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
    "<ETag>&quot;aa&quot;</ETag><Size>5</Size></Part>"
)
ANOTHER_ORDER: Final = (
    "<Part><Size>5</Size><ETag>aa</ETag><LastModified>2026-01-02T03:04:05Z</LastModified>"
    "<PartNumber>7</PartNumber><ChecksumCRC32>x=</ChecksumCRC32></Part>"
)
SEVEN: Final = StoredPart(number=7, etag="aa", size=5, stored_at=STORED_AT)


class NotSentError(Exception):
    """Ends a call when its request is complete."""


class RecordingClient:
    """Record the last request of a client instead of sending it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.request: dict[str, Any] = {}
        client.meta.events.register_last("before-send.s3", self.record)

    def record(self, request: Any, **_: Any) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        for name in ("authorization", "x-amz-date", "user-agent", "amz-sdk-invocation-id"):
            headers.pop(name, None)
        self.request = {
            "method": request.method,
            "url": request.url,
            "body": request.body,
            "headers": headers,
        }
        raise NotSentError


@cache
def botocore_client() -> RecordingClient:
    client = get_session().create_client(
        "s3",
        region_name=CONFIG.region,
        endpoint_url=CONFIG.endpoint_url,
        aws_access_key_id=CONFIG.access_key_id,
        aws_secret_access_key=CONFIG.secret_access_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    return RecordingClient(client)


@cache
def our_client() -> RecordingClient:
    async def open_ours() -> Any:
        return await open_client(create_session(CONFIG), CONFIG, attempts=1).__aenter__()

    return RecordingClient(asyncio.run(open_ours()))


@settings(deadline=None)
@given(
    parts=st.lists(
        st.tuples(
            st.integers(1, 10_000),
            st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1),
        ),
        min_size=1,
    )
)
def test_a_complete_is_sent_as_botocore_sends_it(parts: list[tuple[int, str]]) -> None:
    request: dict[str, Any] = {
        "Bucket": CONFIG.bucket,
        "Key": KEY,
        "UploadId": "2~abc",
        "MpuObjectSize": 5 * len(parts),
        "MultipartUpload": {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in parts]},
    }
    with pytest.raises(NotSentError):
        botocore_client().client.complete_multipart_upload(**request)
    with pytest.raises(NotSentError):
        asyncio.run(our_client().client.complete_multipart_upload(**request))
    assert our_client().request == botocore_client().request


def page(parts: str, more: str = "false") -> bytes:
    return http_answer(
        "200 OK",
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>bucket</Bucket>'
        f"<Initiator><ID>me</ID></Initiator><IsTruncated>{more}</IsTruncated>{parts}"
        "<NextPartNumberMarker>7</NextPartNumberMarker><Owner><ID>me</ID></Owner>"
        "</ListPartsResult>",
    )


@pytest.mark.parametrize(
    "written",
    [
        PART,
        # As MiniStack, Ceph and others write it.
        PART.replace("><", ">\n  <"),
        PART.replace("&quot;", '"'),
        PART.replace("&quot;", "&#34;"),
        PART.replace("&quot;aa&quot;", "aa"),
        ANOTHER_ORDER,
        PART.replace("2026-01-02T03:04:05.000Z", "Fri, 02 Jan 2026 03:04:05 GMT"),
        # Read by botocore itself.
        PART.replace("<Part>", '<Part id="1">'),
    ],
    ids=["AWS", "with space", "quotes", "numeric", "bare", "any order", "date", "attribute"],
)
async def test_parts_are_read_in_every_form(written: str) -> None:
    async with answering(page(written)) as (store, _):
        assert await store.list_parts(KEY, "2~abc") == [SEVEN]


async def test_pages_are_read_to_the_last() -> None:
    second = PART.replace(">7<", ">8<")
    async with answering(page(PART, "true"), page(second), page("")) as (store, server):
        numbers = [part.number for part in await store.list_parts(KEY, "2~abc")]
    assert numbers == [7, 8]
    assert "part-number-marker=7" in server.requests[1]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "broken",
    [
        PART.replace("</ETag>", ""),
        PART.replace(">5<", ">five<"),
        PART.replace("<Size>5</Size>", ""),
        PART.replace("2026-01-02T", "yesterday"),
    ],
    ids=["not XML", "a size in words", "no size", "no time"],
)
async def test_an_unreadable_page_is_unavailability(broken: str) -> None:
    async with answering(page(PART + broken)) as (store, _):
        with pytest.raises(StoreUnavailableError):
            await store.list_parts(KEY, "2~abc")


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T23:59:59Z",
        "2026-01-01T00:00:00.123+00:00",
        "Thu, 01 Jan 2026 00:00:00 GMT",
        "1767225600",
    ],
)
def test_a_time_is_read_as_botocore_reads_it(written: str) -> None:
    assert parse_time(written) == parse_timestamp(written)
    assert parse_time(written).tzinfo is not None
