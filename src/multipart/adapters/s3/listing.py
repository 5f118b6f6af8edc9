"""List the parts of an upload and the open uploads of a bucket, page by page."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from ...application.ports import ListedUpload, UploadPage
from ...domain.errors import StoreUnavailableError
from ...domain.part import StoredPart, bare_etag
from .errors import REQUEST_SECONDS, await_answer, require_fields, translate_errors

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import (
        ListPartsOutputTypeDef,
        MultipartUploadTypeDef,
        PartTypeDef,
    )

_PAGE: Final = 1000
"""Parts in a full page, if the store does not state its maximum."""
_logger = logging.getLogger(__name__)


async def list_parts(
    client: S3Client, bucket: str, key: str, store_upload_id: str
) -> list[StoredPart]:
    """Read all parts by ascending number, with one timeout per page.

    Raise StoreUnavailableError if a page announces more parts and none follow.
    """
    parts: dict[int, StoredPart] = {}
    while True:
        async with translate_errors(REQUEST_SECONDS):
            # Not the store's own marker: a wrong one skips parts.
            after: Any = {"PartNumberMarker": max(parts)} if parts else {}
            page = await await_answer(
                client.list_parts(Bucket=bucket, Key=key, UploadId=store_upload_id, **after)
            )
        _require_page(page)
        with require_fields():
            found = {part["PartNumber"]: _to_stored_part(part) for part in page.get("Parts", [])}
        has_new = bool(found.keys() - parts.keys())
        parts |= found
        if page["IsTruncated"] and not has_new:
            raise _report_endless_list("ListParts")
        if not page["IsTruncated"] and not (has_new and _is_full(page)):
            return [parts[number] for number in sorted(parts)]


async def list_uploads(client: S3Client, bucket: str, key: str) -> list[ListedUpload]:
    """Read the open uploads of exactly this key."""
    found: list[ListedUpload] = []
    after = ""
    while True:
        page = await _read_uploads_page(client, bucket, after, Prefix=key)
        found += [upload for upload in page.uploads if upload.key == key]
        # Keys ascend: longer keys that begin with this one follow it.
        if page.next_after is None or page.next_after > key:
            return found
        after = page.next_after


async def scan_uploads(
    client: S3Client, bucket: str, prefix: str, after: str | None = None
) -> UploadPage:
    """Read a page of the open uploads under a prefix; see ObjectStore.scan_uploads.

    The request has no prefix, as MinIO lists nothing for a prefix that is not a whole key. Instead
    it starts at a marker just before the prefix: keys ascend, so the other uploads of a shared
    bucket are skipped.
    """
    page = await _read_uploads_page(
        client, bucket, _marker_before(prefix) if after is None else after
    )
    uploads = [upload for upload in page.uploads if upload.key.startswith(prefix)]
    is_past = page.next_after is not None and page.next_after[: len(prefix)] > prefix
    return UploadPage(uploads, None if is_past else page.next_after)


async def _read_uploads_page(client: S3Client, bucket: str, after: str, **more: Any) -> UploadPage:
    # With a key marker alone, the page starts after all uploads of that key. versitygw refuses the
    # pair of markers that it returns itself (InvalidArgument).
    marker: Any = {"KeyMarker": after} if after else {}
    async with translate_errors(REQUEST_SECONDS):
        page = await await_answer(client.list_multipart_uploads(Bucket=bucket, **marker, **more))
    _require_page(page)
    with require_fields():
        next_after = page["NextKeyMarker"] if page["IsTruncated"] else None
        uploads = sorted(
            map(_to_listed_upload, page.get("Uploads", [])), key=lambda found: found.key
        )
    if next_after is not None and next_after <= after:
        raise _report_endless_list("ListMultipartUploads")
    # moto and MinIO ignore the marker, and list everything at once and unsorted.
    return UploadPage([upload for upload in uploads if upload.key > after], next_after)


def _marker_before(prefix: str) -> str:
    """Return a text that sorts before every key with the prefix, and after almost all others."""
    # Not the prefix without its last character: for "in/", a shared bucket may have many keys under
    # "in-" and "in.".
    return prefix and f"{prefix[:-1]}{chr(ord(prefix[-1]) - 1)}"


def _require_page(page: Mapping[str, object]) -> None:
    # A proxy or captive portal may answer 200, too: its page must not look like an empty list.
    if "IsTruncated" not in page:
        raise StoreUnavailableError


def _is_full(page: ListPartsOutputTypeDef) -> bool:
    """Return whether more parts may follow although the store does not say so."""
    return len(page.get("Parts", [])) >= (page.get("MaxParts") or _PAGE)


def _report_endless_list(operation: str) -> StoreUnavailableError:
    _logger.warning("S3's answer to %s announces more items, but none follow.", operation)
    return StoreUnavailableError()


def _to_listed_upload(upload: MultipartUploadTypeDef) -> ListedUpload:
    return ListedUpload(
        key=upload["Key"],
        store_upload_id=upload["UploadId"],
        initiated_at=upload["Initiated"].astimezone(UTC),
    )


def _to_stored_part(part: PartTypeDef) -> StoredPart:
    return StoredPart(
        number=part["PartNumber"],
        etag=bare_etag(part["ETag"]),
        size=part["Size"],
        stored_at=part["LastModified"].astimezone(UTC),
    )
