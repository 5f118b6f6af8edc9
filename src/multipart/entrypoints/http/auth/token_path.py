"""Upload tokens in the path: `/t/{token}/api/...` and `/t/{token}/s3/...`."""

from __future__ import annotations

import re
from typing import Any, Final

from litestar.types import Scope

_KEY: Final = "multipart_upload.path_token"
_PATH: Final = re.compile(r"/t/([^/]*)(/.*)?", re.DOTALL)
_ROUTES: Final = ("/api/", "/s3/")
_NO_ROUTE: Final = "/t/"


class TokenPaths:
    """Takes the token out of the path, for clients that send no headers.

    Everything after it, with the access log, sees the path without the token.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (found := _PATH.fullmatch(scope["path"])):
            path = found[2] or ""
            scope[_KEY] = found[1]
            # In place, because the access log shows the scope of the server.
            scope["path"] = path if path.startswith(_ROUTES) else _NO_ROUTE
            scope["raw_path"] = _without_token(scope["raw_path"])
        await self._app(scope, receive, send)


def path_token(scope: Scope) -> str | None:
    """Return the token that was in the path, None if there was none."""
    token: str | None = scope.get(_KEY)  # type: ignore[assignment]  # a key of our own
    return token


def _without_token(raw_path: bytes) -> bytes:
    _, _, rest = raw_path.removeprefix(b"/t/").partition(b"/")
    return b"/" + rest
