"""The headers of every answer."""

from __future__ import annotations

from litestar.types import Message, Scope

from .request_id import request_id_header
from .security_headers import DEFAULT_HEADERS


async def add_headers(message: Message, scope: Scope) -> None:
    """Add the request id, and the security headers that the route did not set.

    For Litestar's `before_send`, which also handles a 404. One function, because Litestar awaits
    each one for every message, which costs more than what it does.
    """
    if message["type"] == "http.response.start":
        headers = message["headers"]
        names = {name for name, _ in headers}
        missing = [header for header in DEFAULT_HEADERS if header[0] not in names]
        message["headers"] = [*headers, *missing, request_id_header(scope)]
