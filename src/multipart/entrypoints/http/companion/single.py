"""Files in one request, and what we do not hand out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, NoReturn

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from ....application.sign_single_upload import SignSingleUpload
from ....application.start_upload import NewUpload
from ....domain.errors import InvalidFieldError
from ....domain.validation import CONTENT_TYPE_PATTERN, MAX_CONTENT_TYPE_LENGTH, MAX_FILENAME_LENGTH
from ...terminal import escape_unprintable
from ..problems.openapi import OperationWithoutSuccess
from ..request import StatedError
from .errors import document_companion_errors
from .metadata import kept_metadata
from .schemas import SingleForm

_METADATA: Final = re.compile(r"metadata\[([^\[\]]+)\]")

_Filename = Annotated[
    str,
    QueryParameter(
        min_length=1,
        description="The file's name.",
        schema_extra={"max_length": MAX_FILENAME_LENGTH, "examples": ["film.mp4"]},
    ),
]
_Type = Annotated[
    str,
    QueryParameter(
        name="type",
        description="The file's media type; empty when it is not known.",
        schema_extra={
            "max_length": MAX_CONTENT_TYPE_LENGTH,
            "pattern": CONTENT_TYPE_PATTERN,
            "examples": ["video/mp4"],
        },
    ),
]


class NoCredentialsError(StatedError):
    """Temporary credentials are asked for; whoever had them could sign any key."""

    status_code = 400

    def __init__(self) -> None:
        super().__init__(
            detail="This service signs every request itself and hands out no temporary "
            "credentials: leave out getTemporarySecurityCredentials."
        )


class SingleController(Controller):
    """Companion's routes beside the multipart ones."""

    tags = ("Companion",)

    @get(
        "/params",
        operation_id="s3SignSingleUpload",
        summary="Uppy: sign a form for one whole file",
        responses=document_companion_errors(400, 401, 503),
    )
    async def params(
        self,
        request: Request[Any, Any, Any],
        filename: _Filename,
        user_id: NamedDependency[str],
        sign_single_upload: NamedDependency[SignSingleUpload],
        content_type: _Type = "",
    ) -> SingleForm:
        """Get a form with which to POST one whole file. No session keeps it.

        `metadata[name]=value` in the query becomes user metadata of the object.
        """
        new = NewUpload(
            user_id=user_id,
            filename=filename,
            content_type=content_type,
            metadata=kept_metadata(_metadata(request)),
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
        """Answer 400 always: with credentials, a client could sign any key."""
        raise NoCredentialsError


def _metadata(request: Request[Any, Any, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is in `metadata[...]`. Raise InvalidFieldError for a name that comes twice."""
    for name in dict.fromkeys(request.query_params):
        if found := _METADATA.fullmatch(name):
            values = request.query_params.getall(name)
            if len(values) > 1:
                raise InvalidFieldError(escape_unprintable(name), "must be given once")
            yield found[1], values[0]
