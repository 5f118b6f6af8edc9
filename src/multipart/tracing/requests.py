"""A span for each HTTP request."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from . import TRACE_ID

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_CONTEXT_HEADERS: Final = frozenset({b"traceparent", b"tracestate"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_SERVER_ERROR: Final = 500


class TracedRequests:
    """Wraps an ASGI application; a span continues the trace of the request's `traceparent`.

    It has the template of the route: the path and the query can contain tokens and signatures.
    """

    def __init__(self, app: Any, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        with self._tracer.start_as_current_span(
            method,
            context=_PROPAGATOR.extract(_read_context(scope)),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            scope[TRACE_ID] = format_trace_id(span.get_span_context().trace_id)

            async def send_and_note(message: Any) -> None:
                if message["type"] == "http.response.start":
                    _note_answer(span, method, scope, message["status"])
                await send(message)

            await self._app(scope, receive, send_and_note)


def _read_context(scope: Any) -> dict[str, str]:
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in _CONTEXT_HEADERS
    }


def _note_answer(span: Span, method: str, scope: Any, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= _SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))
    if route := scope.get("path_template"):
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
