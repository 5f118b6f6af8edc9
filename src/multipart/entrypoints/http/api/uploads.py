"""Routes of an upload: the four original ones and abort."""

from __future__ import annotations

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ....application.abort_upload import AbortUpload
from ....application.complete_upload import CompleteUpload
from ....application.issue_receipt import IssueReceipt
from ....application.record_parts import RecordParts
from ....application.session_reference import SessionReference
from ....application.sign_parts import SignParts
from ....application.start_upload import StartUpload
from ....domain.principal import Principal, Scope
from ..parameters import (
    ChecksumQuery,
    ContentLengthQuery,
    IdempotencyKeyHeader,
    KeyQuery,
    OptionalUserIdQuery,
    PartNumberQuery,
    UploadIdQuery,
)
from ..responses import JsonResponse
from .decorators import LIMITED_QUERY_ERRORS, command, query
from .schemas import (
    AbortedUpload,
    CompletedUpload,
    CompleteUploadRequest,
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

    @command(
        "/start-upload",
        operation_id="startUpload",
        summary="Start an upload",
        errors=(400, 403, 409, 413, 415, 422, 429, 503),
    )
    async def start(
        self,
        data: JSONBody[StartUploadRequest],
        principal: NamedDependency[Principal],
        start_upload: NamedDependency[StartUpload],
        idempotency_key: IdempotencyKeyHeader = None,
    ) -> StartedUpload:
        """Start an upload. With `size`, the answer contains the part plan."""
        return StartedUpload.of(await start_upload(data.to_domain(principal, idempotency_key)))

    @query(
        "/get-signed-url",
        operation_id="getSignedUrl",
        summary="Sign a part",
        errors=LIMITED_QUERY_ERRORS,
    )
    async def sign(
        self,
        upload_id: UploadIdQuery,
        key: KeyQuery,
        part_number: PartNumberQuery,
        principal: NamedDependency[Principal],
        sign_parts: NamedDependency[SignParts],
        content_length: ContentLengthQuery = None,
        checksum_crc64nvme: ChecksumQuery = None,
        user_id: OptionalUserIdQuery = None,
    ) -> SignedUrl:
        """Sign a URL for the PUT of one part straight to S3."""
        reference = SessionReference.by(principal, upload_id=upload_id, key=key, user_id=user_id)
        signed = await sign_parts.sign_one(
            reference, part_number, content_length, checksum_crc64nvme
        )
        return SignedUrl.of(signed)

    @command(
        "/upload-part",
        operation_id="recordPart",
        summary="Record a part",
    )
    async def record(
        self,
        data: JSONBody[RecordPartRequest],
        principal: NamedDependency[Principal],
        record_parts: NamedDependency[RecordParts],
    ) -> PartRecorded:
        """Record a part that S3 has accepted. The last report of a part number wins."""
        recorded = await record_parts.record_one(
            data.to_reference(principal), data.part_number, data.etag, data.size
        )
        return PartRecorded(recorded.status, recorded.parts_recorded)

    @command(
        "/complete-upload",
        operation_id="completeUpload",
        summary="Complete an upload",
    )
    async def complete(
        self,
        data: JSONBody[CompleteUploadRequest],
        principal: NamedDependency[Principal],
        complete_upload: NamedDependency[CompleteUpload],
        issue_receipt: NamedDependency[IssueReceipt],
    ) -> CompletedUpload:
        """Assemble the object from the parts. A repeated call returns the same answer."""
        completed = await complete_upload(
            data.to_reference(principal), checksum=data.checksum_crc64nvme
        )
        return CompletedUpload.of(completed, issue_receipt(completed))

    @command(
        "/abort-upload",
        operation_id="abortUpload",
        summary="Abort an upload",
    )
    async def abort(
        self,
        data: JSONBody[SessionRequest],
        principal: NamedDependency[Principal],
        abort_upload: NamedDependency[AbortUpload],
    ) -> AbortedUpload:
        """Discard the upload and its parts. A repeated call changes nothing."""
        reference = data.to_reference(principal, Scope.OPERATE)
        return AbortedUpload((await abort_upload(reference)).state)
