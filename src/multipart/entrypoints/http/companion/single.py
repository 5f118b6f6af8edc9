"""Companion's routes for uploads in one request and for temporary credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, NoReturn

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from ....application.new_upload import NewUpload
from ....application.sign_single_upload import SignSingleUpload
from ....domain.errors import InvalidFieldError
from ....domain.principal import Principal
from ....domain.validation import CONTENT_TYPE_PATTERN, MAX_CONTENT_TYPE_LENGTH, MAX_FILENAME_LENGTH
from ...terminal import escape_unprintable
from ..problems.openapi import OperationWithoutSuccess
from ..request import RequestError
from .errors import document_companion_errors
from .metadata import select_metadata
from .schemas import SingleForm

_METADATA: Final = re.compile(r"metadata\[([^\[\]]+)\]")

_Filename = Annotated[
    str,
    QueryParameter(
        min_length=1,
        description="Name of the file.",
        schema_extra={"max_length": MAX_FILENAME_LENGTH, "examples": ["film.mp4"]},
    ),
]
_Type = Annotated[
    str,
    QueryParameter(
        name="type",
        description="Media type of the file; empty if unknown.",
        schema_extra={
            "max_length": MAX_CONTENT_TYPE_LENGTH,
            "pattern": CONTENT_TYPE_PATTERN,
            "examples": ["video/mp4"],
        },
    ),
]


class NoCredentialsError(RequestError):
    """Temporary credentials are requested; with them a client could sign any key."""

    status_code = 400

    def __init__(self) -> None:
        super().__init__(
            detail="This service signs every request itself and issues no temporary credentials: "
            "remove getTemporarySecurityCredentials."
        )


class SingleController(Controller):
    """Companion's routes other than multipart."""

    tags = ("Companion",)

    @get(
        "/params",
        operation_id="s3SignSingleUpload",
        summary="Uppy: sign a form for one whole file",
        responses=document_companion_errors(400, 401, 409, 429, 503),
    )
    async def params(
        self,
        request: Request[Any, Any, Any],
        filename: _Filename,
        principal: NamedDependency[Principal],
        sign_single_upload: NamedDependency[SignSingleUpload],
        content_type: _Type = "",
    ) -> SingleForm:
        """Sign a form for the POST of one whole file, without an upload session.

        `metadata[name]=value` in the query becomes user metadata of the object.
        """
        new = NewUpload(
            user_id=principal.resolve_user(None),
            filename=filename,
            content_type=content_type,
            metadata=select_metadata(_metadata(request)),
            token=principal.token,
        )
        return SingleForm.of(await sign_single_upload(new))

    @get(
        "/sts",
        operation_id="s3GetCredentials",
        summary="Uppy: refuse temporary credentials",
        responses=document_companion_errors(400),
        operation_class=OperationWithoutSuccess,
    )
    async def credentials(self) -> NoReturn:
        """Refuse with 400: with credentials, a client could sign any key."""
        raise NoCredentialsError


def _metadata(request: Request[Any, Any, Any]) -> Iterator[tuple[str, str]]:
    """Yield the entries of `metadata[...]`. Raise InvalidFieldError for a repeated name."""
    for name in dict.fromkeys(request.query_params):
        if found := _METADATA.fullmatch(name):
            values = request.query_params.getall(name)
            if len(values) > 1:
                raise InvalidFieldError(escape_unprintable(name), "must be given once")
            yield found[1], values[0]
