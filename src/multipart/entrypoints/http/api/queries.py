"""Routes that read: status, parts, list of uploads."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Controller
from litestar.di import NamedDependency
from litestar.openapi.spec.enums import OpenAPIFormat
from litestar.params import QueryParameter

from ....application.issue_receipt import IssueReceipt
from ....application.list_parts import ListParts
from ....application.list_sessions import ListSessions
from ....application.ports import SessionQuery
from ....application.session_reference import SessionReference
from ....application.upload_status import GetUploadStatus
from ....domain.principal import Principal, Scope
from ....domain.session import SessionState
from ..parameters import KeyQuery, ListedUserIdQuery, OptionalUserIdQuery, UploadIdQuery
from ..responses import JsonResponse
from ..validation.limits import TIME_PATTERN
from ..validation.parsing import FieldParser, parse_time
from .cursor import encode_cursor, parse_cursor
from .decorators import query
from .query_schemas import PartAnswer, PartList, UploadList, UploadStatusAnswer, UploadSummary

_States = Annotated[
    list[SessionState] | None,
    QueryParameter(
        max_items=len(SessionState), description="State of the uploads. May be repeated."
    ),
]
_TIME_SCHEMA: Final = {
    "format": OpenAPIFormat.DATE_TIME.value,
    "examples": ["2026-12-01T12:00:00Z"],
}
_From = Annotated[
    str | None,
    QueryParameter(
        pattern=TIME_PATTERN,
        description="Only uploads created at or after this time, RFC 3339.",
        schema_extra=_TIME_SCHEMA,
    ),
]
_Before = Annotated[
    str | None,
    QueryParameter(
        pattern=TIME_PATTERN,
        description="Only uploads created before this time, RFC 3339.",
        schema_extra=_TIME_SCHEMA,
    ),
]
_Limit = Annotated[
    int, QueryParameter(ge=1, le=500, description="Largest number of uploads in the answer.")
]
_Cursor = Annotated[
    str | None,
    QueryParameter(
        max_length=512, description="The `next_cursor` of the previous page; nothing else is valid."
    ),
]


class QueryController(Controller):
    """Status, parts, list of uploads."""

    path = "/api"
    tags = ("Reading",)
    response_class = JsonResponse

    @query(
        "/upload-status",
        operation_id="getUploadStatus",
        summary="Get the status of an upload",
    )
    async def status(
        self,
        upload_id: UploadIdQuery,
        key: KeyQuery,
        principal: NamedDependency[Principal],
        upload_status: NamedDependency[GetUploadStatus],
        issue_receipt: NamedDependency[IssueReceipt],
        user_id: OptionalUserIdQuery = None,
    ) -> UploadStatusAnswer:
        """Get the state of an upload and of its parts in S3."""
        reference = SessionReference.by(
            principal, Scope.OPERATE, upload_id=upload_id, key=key, user_id=user_id
        )
        status = await upload_status(reference)
        return UploadStatusAnswer.of_status(status, issue_receipt(status.session))

    @query(
        "/list-parts",
        operation_id="listParts",
        summary="List the parts of an upload",
    )
    async def parts(
        self,
        upload_id: UploadIdQuery,
        key: KeyQuery,
        principal: NamedDependency[Principal],
        list_parts: NamedDependency[ListParts],
        user_id: OptionalUserIdQuery = None,
    ) -> PartList:
        """List the parts that are recorded or in S3, for example to resume an upload."""
        reference = SessionReference.by(
            principal, Scope.OPERATE, upload_id=upload_id, key=key, user_id=user_id
        )
        session, parts = await list_parts(reference)
        answers = [PartAnswer.of(part) for part in parts]
        return PartList(session.id, session.key, session.state, answers)

    @query(
        "/uploads",
        operation_id="listUploads",
        summary="List a user's uploads",
        errors=(422, 503),
    )
    async def uploads(
        self,
        principal: NamedDependency[Principal],
        list_sessions: NamedDependency[ListSessions],
        user_id: ListedUserIdQuery = None,
        status: _States = None,
        created_from: _From = None,
        created_before: _Before = None,
        limit: _Limit = 50,
        cursor: _Cursor = None,
    ) -> UploadList:
        """List a user's uploads, newest first."""
        parser = FieldParser()
        session_query = SessionQuery(
            user_id=parser.parse(principal.resolve_user, user_id, Scope.OPERATE) or "",
            token_id=principal.token_id,
            states=frozenset(status or ()),
            created_from=parser.parse(parse_time, "created_from", created_from),
            created_before=parser.parse(parse_time, "created_before", created_before),
            after=parser.parse(parse_cursor, cursor),
            limit=limit,
        )
        parser.raise_errors()
        page = await list_sessions(session_query)
        next_cursor = encode_cursor(page.sessions[-1]) if page.has_more else None
        return UploadList([UploadSummary.of(session) for session in page.sessions], next_cursor)
