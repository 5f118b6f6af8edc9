"""The page and its files over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Annotated, Final

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, HeaderParameter

from ....domain.store_capabilities import StoreCapabilities
from ..security_headers import page_headers

_IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match")]

# File names do not change between releases, so browsers revalidate each time; most answers are 304.
_CACHE: Final = {"Cache-Control": "no-cache"}
_SOURCES: Final = {"script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:"}
# Not from the system's table of types: with nosniff, a wrong type breaks the page.
_MEDIA_TYPES: Final = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the page; the ETag is quoted and depends on the content alone."""

    body: bytes
    media_type: str
    etag: str


def web_page_router() -> Router:
    """Serve the page at `/`; its scripts may send requests to the store."""
    files_by_name = load_static_files()

    @get("/", include_in_schema=False)
    async def page(
        store_capabilities: NamedDependency[StoreCapabilities], if_none_match: _IfNoneMatch = None
    ) -> Response[bytes]:
        response = _respond(files_by_name["index.html"], if_none_match)
        origins = f"'self' {store_capabilities.browser_origin}".rstrip()
        response.headers.update(page_headers({**_SOURCES, "connect-src": origins}))
        return response

    @get("/web/{name:str}", include_in_schema=False)
    async def file(name: FromPath[str], if_none_match: _IfNoneMatch = None) -> Response[bytes]:
        if name not in files_by_name:
            raise NotFoundException
        return _respond(files_by_name[name], if_none_match)

    return Router(
        "/", route_handlers=[page, file], response_headers={**page_headers(_SOURCES), **_CACHE}
    )


def load_static_files() -> Mapping[str, StaticFile]:
    """Read every file of the page, by name."""
    return {
        path.name: _static_file(path.read_bytes(), path.name.rpartition(".")[2])
        for path in (files(__package__ or __name__) / "static").iterdir()
    }


def _static_file(body: bytes, suffix: str) -> StaticFile:
    return StaticFile(body, _MEDIA_TYPES[suffix], f'"{sha256(body).hexdigest()[:32]}"')


def _respond(file: StaticFile, if_none_match: str | None) -> Response[bytes]:
    is_cached = if_none_match is not None and file.etag in if_none_match
    return Response(
        b"" if is_cached else file.body,
        status_code=304 if is_cached else 200,
        media_type=file.media_type,
        headers={"ETag": file.etag},
    )
