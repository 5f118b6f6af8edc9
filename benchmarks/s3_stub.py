"""An S3 stub with prepared responses, so that S3 costs next to nothing.

It claims 10,000 parts of 8 MiB for every upload, and every complete succeeds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs

PART_COUNT: Final = 10_000
PART_SIZE: Final = 8 * 1024 * 1024
ETAG: Final = "d41d8cd98f00b204e9800998ecf8427e"

_PAGE: Final = 1000
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def _page(after: int) -> bytes:
    last = min(after + _PAGE, PART_COUNT)
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><LastModified>2026-01-01T00:00:00.000Z"
        f'</LastModified><ETag>"{ETAG}"</ETag><Size>{PART_SIZE}</Size></Part>'
        for number in range(after + 1, last + 1)
    )
    more = "true" if last < PART_COUNT else "false"
    return (
        f"{_HEAD}<ListPartsResult><NextPartNumberMarker>{last}</NextPartNumberMarker>"
        f"<MaxParts>{_PAGE}</MaxParts><IsTruncated>{more}</IsTruncated>{parts}</ListPartsResult>"
    ).encode()


# The adapter reads past a full page, even if the store calls it the last one.
_PAGES: Final = {str(after): _page(after) for after in range(0, PART_COUNT + 1, _PAGE)}
_CREATED: Final = (
    f"{_HEAD}<InitiateMultipartUploadResult><UploadId>2~stub</UploadId>"
    "</InitiateMultipartUploadResult>"
).encode()
_COMPLETED: Final = (
    f'{_HEAD}<CompleteMultipartUploadResult><ETag>"{ETAG}-{PART_COUNT}"</ETag>'
    "<Location>https://stub/object</Location></CompleteMultipartUploadResult>"
).encode()


async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Respond to the calls of a multipart upload."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    body = _answer(scope["method"], scope["query_string"].decode())
    headers = [
        (b"content-type", b"application/xml"),
        (b"content-length", str(len(body)).encode()),
        (b"etag", f'"{ETAG}"'.encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answer(method: str, query: str) -> bytes:
    asked = parse_qs(query, keep_blank_values=True)
    if "uploads" in asked:
        return _CREATED
    if method == "POST":
        return _COMPLETED
    if method == "GET" and "uploadId" in asked:
        return _PAGES[asked.get("part-number-marker", ["0"])[0]]
    return b""
