"""The page and its files over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, HeaderParameter

from .files import StaticFile, static_files
from .headers import security_headers

_IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match")]

# Names stay the same from release to release: always asked for, and seldom sent.
_CACHE: Final = {"Cache-Control": "no-cache"}


def web_page_router(store_origin: str) -> Router:
    """Serve the page at `/`; its scripts may PUT to `store_origin`."""
    found = static_files()
    headers = {**security_headers(store_origin), **_CACHE}

    @get("/", include_in_schema=False)
    async def page(if_none_match: _IfNoneMatch = None) -> Response[bytes]:
        return _answer(found["index.html"], if_none_match)

    @get("/web/{name:str}", include_in_schema=False)
    async def file(name: FromPath[str], if_none_match: _IfNoneMatch = None) -> Response[bytes]:
        if name not in found:
            raise NotFoundException
        return _answer(found[name], if_none_match)

    return Router("/", route_handlers=[page, file], response_headers=headers)


def _answer(file: StaticFile, if_none_match: str | None) -> Response[bytes]:
    is_known = if_none_match is not None and file.etag in if_none_match
    return Response(
        b"" if is_known else file.body,
        status_code=304 if is_known else 200,
        media_type=file.media_type,
        headers={"ETag": file.etag},
    )
