"""Routes that sign or record up to 10,000 parts at once."""

from __future__ import annotations

from typing import Final

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ....application.record_parts import RecordParts
from ....application.sign_parts import SignParts
from ....domain.principal import Principal
from ..responses import JsonResponse, JsonStream, Turns
from .batch_schemas import RecordPartsRequest, SignedUrls, SignPartsRequest, encode_signed_urls
from .decorators import LIMITED_COMMAND_ERRORS, command
from .schemas import PartRecorded

MAX_BATCH_BYTES: Final = 2 * 1024 * 1024
"""10,000 parts with ETags and sizes are about 1 MB."""


class BatchController(Controller):
    """Sign or record many parts."""

    path = "/api"
    tags = ("Uploading",)
    response_class = JsonResponse
    request_max_body_size = MAX_BATCH_BYTES

    @command(
        "/get-signed-urls",
        operation_id="getSignedUrls",
        summary="Sign many parts",
        errors=LIMITED_COMMAND_ERRORS,
    )
    async def sign(
        self,
        data: JSONBody[SignPartsRequest],
        principal: NamedDependency[Principal],
        sign_parts: NamedDependency[SignParts],
        turns: NamedDependency[Turns],
    ) -> JsonStream[SignedUrls]:
        """Sign URLs for the PUT of many parts straight to S3, each part once."""
        signed = await sign_parts.sign_many(data.to_reference(principal), data.to_ranges())
        return JsonStream(encode_signed_urls(signed), turns)

    @command(
        "/upload-parts",
        operation_id="recordParts",
        summary="Record many parts",
    )
    async def record(
        self,
        data: JSONBody[RecordPartsRequest],
        principal: NamedDependency[Principal],
        record_parts: NamedDependency[RecordParts],
    ) -> PartRecorded:
        """Record many parts that S3 has accepted. The last report of a part number wins."""
        recorded = await record_parts.record_many(data.to_reference(principal), data.to_reports())
        return PartRecorded(recorded.status, recorded.parts_recorded)
