"""Answers that are a JSON body and nothing else."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response
from litestar.exceptions import ImproperlyConfiguredException
from litestar.response.base import ASGIResponse
from litestar.types import HTTPResponseStartEvent, Receive, Scope, Send
from msgspec.json import Encoder

_encode: Final = Encoder().encode


class _JsonBody(ASGIResponse):
    """Sends a body with no header beyond those that every body has."""

    __slots__ = ()

    def __init__(self, body: bytes, status_code: int) -> None:
        # Not Litestar's own, whose mutable headers take longer than all else of the answer.
        self.body = body
        self.status_code = status_code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        length = b"%d" % len(self.body)
        headers = ((b"content-type", b"application/json"), (b"content-length", length))
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": headers,
        }
        await send(start)
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class JsonResponse(Response[Any]):
    """For routes that set no header, cookie or task: signing a part takes no longer than those."""

    def __init__(
        self, content: Any, *, status_code: int, background: object = None, **_: Any
    ) -> None:
        self._body = _JsonBody(_encode(content), status_code)
        self._background = background

    def to_asgi_response(
        self, *_: Any, headers: object = None, cookies: object = None, **__: Any
    ) -> ASGIResponse:
        """Give what sends the content. Raise ImproperlyConfiguredException for anything more."""
        if headers or cookies or self._background:
            msg = "a route with headers, cookies or a task needs Litestar's own Response"
            raise ImproperlyConfiguredException(msg)
        return self._body
