"""The routes that carry a file: the four original ones and abort."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ....application.abort_upload import AbortUpload
from ....application.complete_upload import CompleteUpload
from ....application.record_parts import RecordParts
from ....application.session_reference import SessionReference
from ....application.sign_parts import SignParts
from ....application.start_upload import StartUpload
from ..parameters import (
    ContentLengthQuery,
    IdempotencyKeyHeader,
    KeyQuery,
    OptionalUserIdQuery,
    PartNumberQuery,
    UploadIdQuery,
)
from ..problems.openapi import OperationWithoutDefault400, document_problems
from ..responses import JsonResponse
from .schemas import (
    AbortedUpload,
    CompletedUpload,
    PartRecorded,
    RecordPartRequest,
    SessionRequest,
    SignedUrl,
    StartedUpload,
    StartUploadRequest,
)


class UploadController(Controller):
    """Start, sign, record, complete, abort."""

    path = "/api"
    tags = ("Uploading",)
    response_class = JsonResponse

    @post(
        "/start-upload",
        status_code=200,
        operation_id="startUpload",
        summary="Start an upload",
        responses=document_problems(400, 409, 413, 415, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def start(
        self,
        data: JSONBody[StartUploadRequest],
        start_upload: NamedDependency[StartUpload],
        idempotency_key: IdempotencyKeyHeader = None,
    ) -> StartedUpload:
        """Start an upload. With `size`, the answer says how to cut the file."""
        return StartedUpload.of(await start_upload(data.to_domain(idempotency_key)))

    @get(
        "/get-signed-url",
        operation_id="getSignedUrl",
        summary="Sign a part",
        responses=document_problems(404, 409, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def sign(
        self,
        upload_id: UploadIdQuery,
        key: KeyQuery,
        part_number: PartNumberQuery,
        sign_parts: NamedDependency[SignParts],
        content_length: ContentLengthQuery = None,
        user_id: OptionalUserIdQuery = None,
    ) -> SignedUrl:
        """Get a URL on which to PUT one part straight to S3."""
        address = SessionReference(upload_id=upload_id, key=key, user_id=user_id)
        return SignedUrl.of(await sign_parts.sign_one(address, part_number, content_length))

    @post(
        "/upload-part",
        status_code=200,
        operation_id="recordPart",
        summary="Record a part",
        responses=document_problems(400, 404, 409, 413, 415, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def record(
        self, data: JSONBody[RecordPartRequest], record_parts: NamedDependency[RecordParts]
    ) -> PartRecorded:
        """Report a part that S3 has taken. The last report of a number wins."""
        recorded = await record_parts.record_one(
            data.address(), data.part_number, data.etag, data.size
        )
        return PartRecorded(recorded.status, recorded.parts_recorded)

    @post(
        "/complete-upload",
        status_code=200,
        operation_id="completeUpload",
        summary="Complete an upload",
        responses=document_problems(400, 404, 409, 413, 415, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def complete(
        self, data: JSONBody[SessionRequest], complete_upload: NamedDependency[CompleteUpload]
    ) -> CompletedUpload:
        """Make the object from the parts. Repeating it gives the same answer."""
        return CompletedUpload.of(await complete_upload(data.address()))

    @post(
        "/abort-upload",
        status_code=200,
        operation_id="abortUpload",
        summary="Abort an upload",
        responses=document_problems(400, 404, 409, 413, 415, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def abort(
        self, data: JSONBody[SessionRequest], abort_upload: NamedDependency[AbortUpload]
    ) -> AbortedUpload:
        """Discard the upload and its parts. Repeating it changes nothing."""
        return AbortedUpload((await abort_upload(data.address())).state)
