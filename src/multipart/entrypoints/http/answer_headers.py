"""What every answer says unless its route says otherwise: no sniffing of types, no caching."""

from __future__ import annotations

from typing import Final

from litestar.types import Message, Scope

_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


async def send_security_headers(message: Message, scope: Scope) -> None:  # noqa: ARG001
    """Add the headers that are missing; for Litestar's `before_send`, a 404 included."""
    if message["type"] == "http.response.start":
        headers = message["headers"]
        names = {name for name, _ in headers}
        message["headers"] = [*headers, *(one for one in _HEADERS if one[0] not in names)]
