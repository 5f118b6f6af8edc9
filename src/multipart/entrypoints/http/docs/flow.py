"""The order in which a client calls the operations, and the links between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar.openapi.spec import Tag

TAGS: Final = (
    Tag(name="Uploading", description="Start, sign, record, complete or abort, in this order."),
    Tag(name="Reading", description="Read status, parts and uploads. Nothing changes."),
    Tag(name="Receipts", description="Verify that an object was completed."),
    Tag(name="Upload tokens", description="Let others upload within limits."),
    Tag(
        name="Companion",
        description="Uppy Companion's S3 routes, for Uppy. Errors have Companion's form, and a "
        "wrong field is 400.",
    ),
    Tag(name="Health", description="For orchestrators."),
)

ORDER: Final = (
    "startUpload",
    "getSignedUrl",
    "getSignedUrls",
    "recordPart",
    "recordParts",
    "completeUpload",
    "abortUpload",
    "getUploadStatus",
    "listParts",
    "listUploads",
    "listEvents",
    "getReceiptKeys",
    "createUploadToken",
    "s3CreateMultipartUpload",
    "s3SignPart",
    "s3SignParts",
    "s3ListParts",
    "s3CompleteMultipartUpload",
    "s3AbortMultipartUpload",
    "s3SignSingleUpload",
    "s3GetCredentials",
    "live",
    "ready",
)

_REFERENCE: Final = {"upload_id": "$response.body#/upload_id", "key": "$response.body#/key"}
_SESSION: Final = {"user_id": "$request.body#/user_id", **_REFERENCE}
_COMPANION: Final = {
    "path.upload_id": "$response.body#/uploadId",
    "query.key": "$response.body#/key",
}


def _body(operation: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"operationId": operation, "requestBody": dict(fields)}


def _query(operation: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"operationId": operation, "parameters": dict(fields)}


_PART: Final = {"part_number": 1, "etag": "9b2cf535f27731c974343645a3985328"}

LINKS: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "startUpload": {
        "sign": _query("getSignedUrl", {**_REFERENCE, "part_number": 1}),
        "signMany": _body("getSignedUrls", {**_REFERENCE, "part_numbers": [1]}),
        "record": _body("recordPart", {**_SESSION, **_PART}),
        "recordMany": _body("recordParts", {**_SESSION, "parts": [_PART]}),
        "complete": _body("completeUpload", _SESSION),
        "abort": _body("abortUpload", _SESSION),
        "status": _query("getUploadStatus", _REFERENCE),
        "parts": _query("listParts", _REFERENCE),
        "uploads": _query("listUploads", {"user_id": "$request.body#/user_id"}),
    },
    "listUploads": {
        "next": _query(
            "listUploads",
            {"user_id": "$request.query.user_id", "cursor": "$response.body#/next_cursor"},
        ),
    },
    "s3CreateMultipartUpload": {
        "sign": _query("s3SignPart", {**_COMPANION, "path.number": 1}),
        "signMany": _query("s3SignParts", {**_COMPANION, "query.partNumbers": "1,2"}),
        "parts": _query("s3ListParts", _COMPANION),
        "complete": _query("s3CompleteMultipartUpload", _COMPANION),
        "abort": _query("s3AbortMultipartUpload", _COMPANION),
    },
}
"""Links from the 200 of each operation."""
