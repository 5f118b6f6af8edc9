"""Traces of this process, exported as OpenTelemetry's own variables say."""

from __future__ import annotations

import os
from importlib.metadata import entry_points
from typing import Final

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

_EXPORTERS: Final = "opentelemetry_traces_exporter"
_VARIABLE: Final = "OTEL_TRACES_EXPORTER"
_NAMES: Final = {"otlp": "otlp_proto_http"}
_SERVICE: Final = "multipart-upload"


class Tracing:
    """Makes spans, and sends them in the background."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self.tracer = provider.get_tracer("multipart_upload")

    @classmethod
    def from_environment(cls) -> Tracing:
        """Read the OTEL_* variables. Raise ValueError, naming the variable, for a wrong one."""
        provider = TracerProvider(resource=_resource())
        exporter = open_exporter()
        if exporter is not None:
            provider.add_span_processor(BatchSpanProcessor(exporter))
        return cls(provider)

    def close(self) -> None:
        """Send the spans that wait, and stop. Takes as long as the exporter's timeout at most."""
        self._provider.shutdown()


def open_exporter() -> SpanExporter | None:
    """Open the exporter that OTEL_TRACES_EXPORTER names; None for `none`. Raise ValueError."""
    wanted = os.environ.get(_VARIABLE, "").strip() or "otlp"
    if wanted == "none":
        return None
    offered = entry_points(group=_EXPORTERS)
    name = _NAMES.get(wanted, wanted)
    if name not in offered.names:
        names = ", ".join(sorted({"none", "otlp", *offered.names}))
        msg = f"{_VARIABLE}: no installed package offers {wanted!r}; offered: {names}"
        raise ValueError(msg)
    exporter: SpanExporter = offered[name].load()()
    return exporter


def _resource() -> Resource:
    found = Resource.create()
    is_named = not str(found.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    return found if is_named else found.merge(Resource({SERVICE_NAME: _SERVICE}))
