"""Files in one request, and what we do not hand out."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, NoReturn

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import QueryParameter

from ....application.sign_single_upload import SignSingleUpload
from ....application.start_upload import NewUpload
from ....domain.validation import CONTENT_TYPE_PATTERN, MAX_CONTENT_TYPE_LENGTH, MAX_FILENAME_LENGTH
from ..openapi import RefusedOperation
from .metadata import kept_metadata
from .openapi import companion_errors
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


class SingleController(Controller):
    """Companion's routes beside the multipart ones."""

    tags = ("Companion",)

    @get(
        "/params",
        operation_id="s3SignSingleUpload",
        summary="Uppy: sign a form for one whole file",
        responses=companion_errors(400, 401, 503),
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
        found = ((_METADATA.fullmatch(name), value) for name, value in _query(request))
        new = NewUpload(
            user_id=user_id,
            filename=filename,
            content_type=content_type,
            metadata=kept_metadata((name[1], value) for name, value in found if name),
        )
        return SingleForm.of(await sign_single_upload(new))

    @get(
        "/sts",
        operation_id="s3GetCredentials",
        summary="Uppy: refuse temporary credentials",
        responses=companion_errors(400),
        operation_class=RefusedOperation,
    )
    async def credentials(self) -> NoReturn:
        """Answer 400 always: with credentials, a client could sign any key."""
        raise ClientException(
            detail="This service signs every request itself and hands out no temporary "
            "credentials: leave out getTemporarySecurityCredentials."
        )


def _query(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    return list(request.query_params.multi_items())
