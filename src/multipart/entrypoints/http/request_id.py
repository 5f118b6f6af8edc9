"""An id for every request, shared by its answer, its log lines and the caller's logs."""

from __future__ import annotations

import re
from contextvars import ContextVar
from random import getrandbits
from typing import Any, Final, cast

from litestar.types import Scope

from ...tracing import TRACE_ID

HEADER: Final = "X-Request-ID"
_NAME: Final = HEADER.lower().encode()
# An id from a client must not be able to break a log line.
_ACCEPTED: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_STATE_KEY: Final = "request_id"
# The scope, because most requests log nothing and need no id before their answer.
_CURRENT: Final[ContextVar[Scope]] = ContextVar("multipart_upload.scope")


class CurrentRequest:
    """Notes which request a task works on, for its log lines.

    The note is never removed: the server runs each request in a context of its own.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Return the awaitable of the application itself, which costs no other frame."""
        if scope["type"] == "http":
            _CURRENT.set(scope)
        return self.app(scope, receive, send)


def current_request_id() -> str | None:
    """Return the id of the request that the current task works on, None outside of requests."""
    scope = _CURRENT.get(None)
    return None if scope is None else request_id_of(scope)


def current_trace_id() -> str | None:
    """Return the id of the trace that the request belongs to, None without traces."""
    scope = _CURRENT.get(None)
    return None if scope is None else cast("str | None", scope.get(TRACE_ID))


def request_id_of(scope: Scope) -> str:
    """Return the id that the client sent, if it is acceptable, else a new one."""
    state = scope["state"]
    if _STATE_KEY not in state:
        state[_STATE_KEY] = _from_client(scope) or f"{getrandbits(128):032x}"
    return cast("str", state[_STATE_KEY])


def request_id_header(scope: Scope) -> tuple[bytes, bytes]:
    """Return the header that names the id in the answer."""
    return _NAME, request_id_of(scope).encode()


def _from_client(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _NAME:
            return value.decode() if _ACCEPTED.fullmatch(value) else None
    return None
