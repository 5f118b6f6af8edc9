"""MinIO's differences from S3, emulated by a proxy in front of another server.

MinIO lists open uploads by prefix only if the prefix is a whole key; without a prefix it lists all
uploads, oldest first, and ignores the marker. CORS is configured per server, not per bucket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from .s3_proxy import Fault, Forward, S3Request
from .scripted_server import http_answer, s3_error


def minio_dialect(client: Any, bucket: str) -> Mapping[str, Fault]:
    """Return the faults of the proxy; `client` is a botocore client of the real server."""

    async def list_uploads(request: S3Request, _: Forward) -> bytes:
        answer = await asyncio.to_thread(client.list_multipart_uploads, Bucket=bucket)
        assert not answer["IsTruncated"]
        prefix = request.query.get("prefix", "")
        uploads = [upload for upload in answer.get("Uploads", []) if prefix in ("", upload["Key"])]
        uploads.sort(key=lambda upload: upload["Initiated"])
        listed = "".join(
            f"<Upload><Key>{escape(upload['Key'])}</Key><UploadId>{upload['UploadId']}</UploadId>"
            f"<Initiated>{upload['Initiated']:%Y-%m-%dT%H:%M:%S.000Z}</Initiated></Upload>"
            for upload in uploads
        )
        result = "ListMultipartUploadsResult"
        body = f"<{result}><IsTruncated>false</IsTruncated>{listed}</{result}>"
        return http_answer("200 OK", body)

    return {
        "ListMultipartUploads": list_uploads,
        "GetBucketCors": _no_rules,
        "PutBucketCors": _no_such_call,
        "OPTIONS": _allow_all,
        "PUT": _expose_all,
    }


async def _no_rules(_: S3Request, __: Forward) -> bytes:
    return s3_error("404 Not Found", "NoSuchCORSConfiguration")


async def _no_such_call(_: S3Request, __: Forward) -> bytes:
    return s3_error("501 Not Implemented", "NotImplemented")


async def _expose_all(request: S3Request, forward: Forward) -> bytes:
    status, _, rest = (await forward()).partition(b"\r\n")
    exposed = (
        f"Access-Control-Allow-Origin: {request.header('origin')}\r\n"
        "Access-Control-Expose-Headers: Date, Etag, Content-Length, X-Amz*, *\r\n"
    )
    return b"\r\n".join((status, exposed.encode() + rest))


async def _allow_all(request: S3Request, _: Forward) -> bytes:
    head = http_answer("204 No Content").removesuffix(b"\r\n\r\n")
    allowed = (
        f"Access-Control-Allow-Origin: {request.header('origin')}\r\n"
        f"Access-Control-Allow-Methods: {request.header('access-control-request-method')}\r\n"
        f"Access-Control-Allow-Headers: {request.header('access-control-request-headers')}\r\n"
        "Access-Control-Allow-Credentials: true\r\n"
        "Vary: Origin\r\n"
    )
    return head + b"\r\n" + allowed.encode() + b"\r\n"
