"""Create, list, sign, complete, abort: the routes under /s3/multipart."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from ....application.abort_upload import AbortUpload
from ....application.complete_upload import CompleteUpload
from ....application.list_parts import ListParts
from ....application.session_reference import SessionReference
from ....application.sign_parts import SignParts
from ....application.start_upload import StartUpload
from ....domain.errors import SessionNotFoundError, TransitionError
from ....domain.part import PartState
from ....domain.principal import Principal
from ....domain.session import DISCARDED_STATES, SessionState
from ..parameters import KeyQuery
from ..responses import JsonStream, Turns
from .errors import document_companion_errors
from .parameters import (
    MAX_BATCH,
    PART_NUMBERS_PATTERN,
    PartNumberPath,
    UploadIdPath,
    parse_part_number,
    parse_part_numbers,
)
from .schemas import (
    CompletedObject,
    CompleteRequest,
    CreatedUpload,
    CreateRequest,
    ListedPart,
    NoContent,
    PartUrl,
    PartUrls,
    encode_part_urls,
)

# 10,000 parts are 660 kB, and twice that with checksums.
MAX_COMPLETE_BYTES: Final = 2 * 1024 * 1024
_UNABORTABLE: Final = DISCARDED_STATES | {SessionState.COMPLETING, SessionState.COMPLETED}

_PartNumbers = Annotated[
    str,
    QueryParameter(
        name="partNumbers",
        description=f"Part numbers separated by commas, {MAX_BATCH} at most.",
        schema_extra={"pattern": PART_NUMBERS_PATTERN, "examples": ["1,2,3"]},
    ),
]


class MultipartController(Controller):
    """Companion's multipart routes; `uploadId` is the service's own id."""

    path = "/multipart"
    tags = ("Companion",)

    @post(
        "/",
        status_code=200,
        operation_id="s3CreateMultipartUpload",
        summary="Uppy: create a multipart upload",
        responses=document_companion_errors(400, 401, 403, 409, 413, 429, 503),
    )
    async def create(
        self,
        data: JSONBody[CreateRequest],
        principal: NamedDependency[Principal],
        bucket: NamedDependency[str],
        start_upload: NamedDependency[StartUpload],
    ) -> CreatedUpload:
        """Start an upload of a file of undeclared size."""
        session = await start_upload(data.to_domain(principal))
        return CreatedUpload(session.key, session.id, bucket)

    @get(
        "/{upload_id:str}",
        operation_id="s3ListParts",
        summary="Uppy: list the parts of an upload",
        responses=document_companion_errors(400, 401, 404, 409, 503),
    )
    async def parts(
        self,
        upload_id: UploadIdPath,
        key: KeyQuery,
        principal: NamedDependency[Principal],
        list_parts: NamedDependency[ListParts],
    ) -> list[ListedPart]:
        """List the parts that the client need not send again."""
        reference = SessionReference.by(principal, upload_id=upload_id, key=key)
        session, parts = await list_parts(reference)
        if session.state in DISCARDED_STATES:
            raise SessionNotFoundError
        # A client skips listed parts: while it can still send parts, list only those that S3 has.
        return [
            ListedPart.of(part)
            for part in parts
            if part.state is PartState.VERIFIED or not session.state.is_open
        ]

    @get(
        "/{upload_id:str}/{number:str}",
        operation_id="s3SignPart",
        summary="Uppy: sign a part",
        responses=document_companion_errors(400, 401, 404, 409, 429, 503),
    )
    async def sign(
        self,
        upload_id: UploadIdPath,
        number: PartNumberPath,
        key: KeyQuery,
        principal: NamedDependency[Principal],
        sign_parts: NamedDependency[SignParts],
    ) -> PartUrl:
        """Sign a URL for the PUT of one part."""
        reference = SessionReference.by(principal, upload_id=upload_id, key=key)
        return PartUrl.of(await sign_parts.sign_one(reference, parse_part_number(number)))

    @get(
        "/{upload_id:str}/batch",
        operation_id="s3SignParts",
        summary="Uppy: sign several parts",
        responses=document_companion_errors(400, 401, 404, 409, 429, 503),
    )
    async def sign_batch(
        self,
        upload_id: UploadIdPath,
        key: KeyQuery,
        numbers: _PartNumbers,
        principal: NamedDependency[Principal],
        sign_parts: NamedDependency[SignParts],
        turns: NamedDependency[Turns],
    ) -> JsonStream[PartUrls]:
        """Sign URLs for several parts, for clients before Uppy 4."""
        reference = SessionReference.by(principal, upload_id=upload_id, key=key)
        ranges = [range(number, number + 1) for number in parse_part_numbers(numbers)]
        signed = await sign_parts.sign_many(reference, ranges)
        return JsonStream(encode_part_urls(signed), turns)

    @post(
        "/{upload_id:str}/complete",
        status_code=200,
        request_max_body_size=MAX_COMPLETE_BYTES,
        operation_id="s3CompleteMultipartUpload",
        summary="Uppy: complete an upload",
        responses=document_companion_errors(400, 401, 404, 409, 413, 503),
    )
    async def complete(
        self,
        upload_id: UploadIdPath,
        key: KeyQuery,
        data: JSONBody[CompleteRequest],
        principal: NamedDependency[Principal],
        bucket: NamedDependency[str],
        complete_upload: NamedDependency[CompleteUpload],
    ) -> CompletedObject:
        """Assemble the object from the parts. A repeated call returns the same answer."""
        reference = SessionReference.by(principal, upload_id=upload_id, key=key)
        session = await complete_upload(reference, data.to_named_parts())
        return CompletedObject.of(session, bucket)

    @delete(
        "/{upload_id:str}",
        status_code=200,
        operation_id="s3AbortMultipartUpload",
        summary="Uppy: abort an upload",
        responses=document_companion_errors(400, 401, 404, 409, 503),
    )
    async def abort(
        self,
        upload_id: UploadIdPath,
        key: KeyQuery,
        principal: NamedDependency[Principal],
        abort_upload: NamedDependency[AbortUpload],
    ) -> NoContent:
        """Discard the upload and its parts. A completed upload remains."""
        reference = SessionReference.by(principal, upload_id=upload_id, key=key)
        try:
            await abort_upload(reference)
        except TransitionError as exc:
            # Uppy 5 also aborts when only the answer to its complete was lost: the object remains.
            if exc.status not in _UNABORTABLE:
                raise
        return NoContent()
