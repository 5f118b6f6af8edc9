"""The page at `/docs`: the OpenAPI document as HTML, without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.enums import MediaType
from litestar.openapi.plugins import OpenAPIRenderPlugin

from .html import render_page

_STYLE: Final = (files(__package__ or __name__) / "static" / "docs.css").read_bytes()


class PagePlugin(OpenAPIRenderPlugin):
    """Renders the document once and keeps the bytes."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)
        self._rendered: bytes | None = None

    def render(self, _: Request[Any, Any, Any], openapi_schema: Mapping[str, Any]) -> bytes:
        """Return the page."""
        if self._rendered is None:
            self._rendered = render_page(openapi_schema).encode()
        return self._rendered

    def receive_router(self, router: Router) -> None:
        """Register the route of the style sheet."""
        router.register(style)


@get("/docs.css", media_type="text/css", sync_to_thread=False)
def style() -> Response[bytes]:
    """Return the style sheet."""
    return Response(_STYLE, media_type="text/css")
