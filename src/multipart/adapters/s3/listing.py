"""Lists of the parts of an upload and of the open uploads of a bucket, page by page."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from ...application.ports import ListedUpload, UploadPage
from ...domain.errors import StoreUnavailableError
from ...domain.part import StoredPart, bare_etag
from .errors import QUICK_SECONDS, answered, ask, reading

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import (
        ListPartsOutputTypeDef,
        MultipartUploadTypeDef,
        PartTypeDef,
    )

_PAGE: Final = 1000
"""Parts in a full page, where the store does not say how many it lists at most."""
_logger = logging.getLogger(__name__)


async def list_parts(
    client: S3Client, bucket: str, key: str, store_upload_id: str
) -> list[StoredPart]:
    """Read all parts by ascending number, each page in the time of a quick call.

    Raise StoreUnavailableError for a list that says it goes on and does not.
    """
    parts: dict[int, StoredPart] = {}
    while True:
        async with answered(QUICK_SECONDS):
            # The number of the last part, not the store's own marker: a wrong marker skips parts.
            after: Any = {"PartNumberMarker": max(parts)} if parts else {}
            page = await ask(
                client.list_parts(Bucket=bucket, Key=key, UploadId=store_upload_id, **after)
            )
        _require_page(page)
        with reading():
            found = {part["PartNumber"]: _part(part) for part in page.get("Parts", [])}
        has_new = bool(found.keys() - parts.keys())
        parts |= found
        if page["IsTruncated"] and not has_new:
            raise _broken_off("ListParts")
        if not page["IsTruncated"] and not (has_new and _is_full(page)):
            return [parts[number] for number in sorted(parts)]


async def list_uploads(client: S3Client, bucket: str, key: str) -> list[ListedUpload]:
    """Read the open uploads of exactly this key."""
    found: list[ListedUpload] = []
    after = ""
    while True:
        page = await _uploads_page(client, bucket, after, Prefix=key)
        found += [upload for upload in page.uploads if upload.key == key]
        # By ascending key: longer keys that begin with this one follow it.
        if page.next_after is None or page.next_after > key:
            return found
        after = page.next_after


async def scan_uploads(
    client: S3Client, bucket: str, prefix: str, after: str | None = None
) -> UploadPage:
    """Read a page of the open uploads under a prefix; see ObjectStore.scan_uploads.

    The prefix is not sent: MinIO lists nothing for one that is not a whole key. Keys come in
    order, so the keys with the prefix are those that follow a marker just before it, and uploads
    elsewhere in a shared bucket are not walked through.
    """
    page = await _uploads_page(client, bucket, _just_before(prefix) if after is None else after)
    uploads = [upload for upload in page.uploads if upload.key.startswith(prefix)]
    is_past = page.next_after is not None and page.next_after[: len(prefix)] > prefix
    return UploadPage(uploads, None if is_past else page.next_after)


async def _uploads_page(client: S3Client, bucket: str, after: str, **more: Any) -> UploadPage:
    # Without an upload id as a second marker, the page begins after all uploads of its key.
    # versitygw refuses a second page by the markers of its own answer (InvalidArgument).
    marker: Any = {"KeyMarker": after} if after else {}
    async with answered(QUICK_SECONDS):
        page = await ask(client.list_multipart_uploads(Bucket=bucket, **marker, **more))
    _require_page(page)
    with reading():
        next_after = page["NextKeyMarker"] if page["IsTruncated"] else None
        uploads = sorted(map(_listed, page.get("Uploads", [])), key=lambda found: found.key)
    if next_after is not None and next_after <= after:
        raise _broken_off("ListMultipartUploads")
    # moto and MinIO list everything at once, in no order, whatever the marker.
    return UploadPage([upload for upload in uploads if upload.key > after], next_after)


def _just_before(prefix: str) -> str:
    """Give a text that sorts before every key with the prefix, and after almost all others."""
    # Not the prefix itself without its end: a shared bucket may hold much under "in-" and "in.".
    return prefix and f"{prefix[:-1]}{chr(ord(prefix[-1]) - 1)}"


def _require_page(page: Mapping[str, object]) -> None:
    # What stands between us and S3 may answer 200, too: that must not read as "no parts".
    if "IsTruncated" not in page:
        raise StoreUnavailableError


def _is_full(page: ListPartsOutputTypeDef) -> bool:
    """Tell whether more may follow although the store does not say so."""
    return len(page.get("Parts", [])) >= (page.get("MaxParts") or _PAGE)


def _broken_off(operation: str) -> StoreUnavailableError:
    _logger.warning("S3's answer to %s says that more follows, and nothing does.", operation)
    return StoreUnavailableError()


def _listed(upload: MultipartUploadTypeDef) -> ListedUpload:
    return ListedUpload(
        key=upload["Key"],
        store_upload_id=upload["UploadId"],
        initiated_at=upload["Initiated"].astimezone(UTC),
    )


def _part(part: PartTypeDef) -> StoredPart:
    return StoredPart(
        number=part["PartNumber"],
        etag=bare_etag(part["ETag"]),
        size=part["Size"],
        stored_at=part["LastModified"].astimezone(UTC),
    )
