"""The address of the other end of a connection, and that of the client behind a proxy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from litestar.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_PEER: Final = "multipart_upload.peer"


class TrustedProxies(ProxyHeadersMiddleware):
    """Take the client's address from `X-Forwarded-For` if a trusted proxy sends it.

    uvicorn's own middleware, which it would also run by itself, with one addition: the address of
    the peer is kept, because only it shows whether a proxy sent the request.
    """

    def __init__(self, app: Any, networks: Sequence[str]) -> None:
        super().__init__(app, [*networks])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[_PEER] = scope.get("client")
        await super().__call__(scope, receive, send)


def peer_of(scope: Scope) -> str | None:
    """Return the address of the other end of the connection; None on a Unix socket."""
    peer: Any = scope.get(_PEER, scope.get("client"))
    return peer[0] if peer else None
