"""The routes that only look."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi.spec.enums import OpenAPIFormat
from litestar.params import QueryParameter

from ....application.list_parts import ListParts
from ....application.list_sessions import ListSessions
from ....application.ports import SessionQuery
from ....application.session_reference import SessionReference
from ....application.upload_status import GetUploadStatus
from ....domain.session import SessionState
from ..parameters import KeyQuery, OptionalUserIdQuery, UploadIdQuery, UserIdQuery
from ..problems.openapi import OperationWithoutDefault400, document_problems
from ..responses import JsonResponse
from ..validation.limits import TIME_PATTERN
from ..validation.parsing import FieldParser, parse_time
from .cursor import cursor_after, parse_cursor
from .schemas import PartAnswer, PartList, UploadList, UploadStatusAnswer, UploadSummary

_States = Annotated[
    list[SessionState] | None,
    QueryParameter(max_items=len(SessionState), description="May be repeated."),
]
_TIME_SCHEMA: Final = {
    "format": OpenAPIFormat.DATE_TIME.value,
    "examples": ["2026-12-01T12:00:00Z"],
}
_From = Annotated[
    str | None,
    QueryParameter(
        pattern=TIME_PATTERN,
        description="Created then or later, RFC 3339.",
        schema_extra=_TIME_SCHEMA,
    ),
]
_Before = Annotated[
    str | None,
    QueryParameter(
        pattern=TIME_PATTERN,
        description="Created earlier, RFC 3339.",
        schema_extra=_TIME_SCHEMA,
    ),
]
_Limit = Annotated[int, QueryParameter(ge=1, le=500, description="Sessions in one answer.")]
_Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=512, description="The `next_cursor` of the page before; nothing else is valid."
    ),
]


class QueryController(Controller):
    """Status, parts, sessions."""

    path = "/api"
    tags = ("Looking",)
    response_class = JsonResponse

    @get(
        "/upload-status",
        operation_id="getUploadStatus",
        summary="Get the status of an upload",
        responses=document_problems(404, 409, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def status(
        self,
        upload_id: UploadIdQuery,
        key: KeyQuery,
        upload_status: NamedDependency[GetUploadStatus],
        user_id: OptionalUserIdQuery = None,
    ) -> UploadStatusAnswer:
        """Get the state of an upload and of its parts, as S3 holds them."""
        address = SessionReference(upload_id=upload_id, key=key, user_id=user_id)
        return UploadStatusAnswer.of_status(await upload_status(address))

    @get(
        "/list-parts",
        operation_id="listParts",
        summary="List the parts of an upload",
        responses=document_problems(404, 409, 422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def parts(
        self,
        upload_id: UploadIdQuery,
        key: KeyQuery,
        list_parts: NamedDependency[ListParts],
        user_id: OptionalUserIdQuery = None,
    ) -> PartList:
        """List the parts that are recorded or that S3 holds: where to resume."""
        address = SessionReference(upload_id=upload_id, key=key, user_id=user_id)
        session, parts = await list_parts(address)
        answers = [PartAnswer.of(part) for part in parts]
        return PartList(session.id, session.key, session.state, answers)

    @get(
        "/uploads",
        operation_id="listUploads",
        summary="List a user's uploads",
        responses=document_problems(422, 503),
        operation_class=OperationWithoutDefault400,
    )
    async def uploads(
        self,
        user_id: UserIdQuery,
        list_sessions: NamedDependency[ListSessions],
        status: _States = None,
        created_from: _From = None,
        created_before: _Before = None,
        limit: _Limit = 50,
        cursor: _Cursor = None,
    ) -> UploadList:
        """List a user's uploads, newest first."""
        parser = FieldParser()
        query = SessionQuery(
            user_id=user_id,
            states=frozenset(status or ()),
            created_from=parser.parse(parse_time, "created_from", created_from),
            created_before=parser.parse(parse_time, "created_before", created_before),
            after=parser.parse(parse_cursor, cursor),
            limit=limit,
        )
        parser.raise_errors()
        page = await list_sessions(query)
        following = cursor_after(page.sessions[-1]) if page.has_more else None
        return UploadList([UploadSummary.of(session) for session in page.sessions], following)
