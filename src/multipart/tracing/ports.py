"""A port whose calls are spans."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Final

from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from ..domain.errors import UploadError

# Signing makes no request.
_LOCAL: Final = frozenset({"sign_part", "sign_parts", "sign_post"})


class TracedPort:
    """Passes everything on, and makes a span of each call that may send a request.

    A span has the name of the port and the operation, and the kind of error, never arguments or
    messages: these can contain anything.
    """

    def __init__(self, port: object, name: str, tracer: Tracer) -> None:
        self._port, self._name, self._tracer = port, name, tracer

    def __getattr__(self, operation: str) -> Any:
        found = getattr(self._port, operation)
        if operation in _LOCAL or not iscoroutinefunction(found):
            return found
        traced = self._trace(operation, found)
        # So that the next call does not come here.
        setattr(self, operation, traced)
        return traced

    def _trace(
        self, operation: str, call: Callable[..., Awaitable[Any]]
    ) -> Callable[..., Awaitable[Any]]:
        name = f"{self._name}.{operation}"
        tracer = self._tracer

        @wraps(call)
        async def traced(*args: Any, **kwargs: Any) -> Any:
            with tracer.start_as_current_span(
                name,
                kind=SpanKind.CLIENT,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                try:
                    return await call(*args, **kwargs)
                except BaseException as exc:
                    kind = exc.code if isinstance(exc, UploadError) else type(exc).__name__
                    span.set_attribute("error.type", kind)
                    span.set_status(Status(StatusCode.ERROR))
                    raise

        return traced
