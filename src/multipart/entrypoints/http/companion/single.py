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
from .metadata import kept_metadata
from .schemas import SingleForm

_METADATA: Final = re.compile(r"metadata\[([^\[\]]+)\]")

_Filename = Annotated[str, QueryParameter(min_length=1, description="The file's name.")]
_Type = Annotated[str, QueryParameter(name="type", description="The file's media type.")]


class SingleController(Controller):
    """Companion's routes beside the multipart ones."""

    @get("/params")
    async def params(
        self,
        request: Request[Any, Any, Any],
        filename: _Filename,
        user_id: NamedDependency[str],
        sign_single_upload: NamedDependency[SignSingleUpload],
        content_type: _Type = "",
    ) -> SingleForm:
        """Sign a form for one whole file. No session knows of it afterwards."""
        found = ((_METADATA.fullmatch(name), value) for name, value in _query(request))
        new = NewUpload(
            user_id=user_id,
            filename=filename,
            content_type=content_type,
            metadata=kept_metadata((name[1], value) for name, value in found if name),
        )
        return SingleForm.of(await sign_single_upload(new))

    @get("/sts")
    async def credentials(self) -> NoReturn:
        """Refuse: whoever had credentials could sign any key."""
        raise ClientException(
            detail="This service signs every request itself and hands out no temporary "
            "credentials: leave out getTemporarySecurityCredentials."
        )


def _query(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    return list(request.query_params.multi_items())
