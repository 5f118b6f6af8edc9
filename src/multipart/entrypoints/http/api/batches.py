"""The routes that sign or record up to 10,000 parts at once."""

from __future__ import annotations

from typing import Final

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ....application.record_parts import RecordParts
from ....application.sign_parts import SignParts
from ..problems.openapi import OperationWithoutDefault400, document_problems
from ..responses import JsonResponse, JsonStream, Turns
from .batch_schemas import RecordPartsRequest, SignedUrls, SignPartsRequest, encode_signed_urls
from .schemas import PartRecorded

MAX_BATCH_BYTES: Final = 2 * 1024 * 1024
"""10,000 parts with S3's ETags and sizes are about 1 MB."""


class BatchController(Controller):
    """Sign many, record many."""

    path = "/api"
    tags = ("Uploading",)
    response_class = JsonResponse
    request_max_body_size = MAX_BATCH_BYTES

    @post(
        "/get-signed-urls",
        status_code=200,
        operation_id="getSignedUrls",
        summary="Sign many parts",
        responses=document_problems(400, 404, 409, 413, 415, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def sign(
        self,
        data: JSONBody[SignPartsRequest],
        sign_parts: NamedDependency[SignParts],
        turns: NamedDependency[Turns],
    ) -> JsonStream[SignedUrls]:
        """Get URLs on which to PUT many parts straight to S3, each once."""
        signed = await sign_parts.sign_many(data.address(), data.wanted())
        return JsonStream(encode_signed_urls(signed), turns)

    @post(
        "/upload-parts",
        status_code=200,
        operation_id="recordParts",
        summary="Record many parts",
        responses=document_problems(400, 404, 409, 413, 415, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def record(
        self, data: JSONBody[RecordPartsRequest], record_parts: NamedDependency[RecordParts]
    ) -> PartRecorded:
        """Report many parts that S3 has taken. The last report of a number wins."""
        recorded = await record_parts.record_many(data.address(), data.reports())
        return PartRecorded(recorded.status, recorded.parts_recorded)
