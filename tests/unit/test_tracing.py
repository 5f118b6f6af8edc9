"""Traces that need no server."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from multipart_upload.container import Container, check_adapters
from multipart_upload.domain.errors import SessionNotFoundError
from multipart_upload.settings import load_settings
from multipart_upload.tracing import TRACE_ID
from multipart_upload.tracing.ports import TracedPort
from multipart_upload.tracing.requests import TracedRequests
from multipart_upload.tracing.tracer import Tracing
from tests.e2e.service import ROOT

from .service import new_service

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Tracing(provider)


async def test_each_call_of_a_port_is_a_span_without_its_arguments(
    tracing: Tracing, spans: InMemorySpanExporter
) -> None:
    sessions: Any = TracedPort(new_service().sessions, "session_repository", tracing.tracer)
    await sessions.now()
    with pytest.raises(SessionNotFoundError):
        await sessions.get("secret")

    now, get = spans.get_finished_spans()
    assert (now.name, now.kind) == ("session_repository.now", SpanKind.CLIENT)
    assert get.name == "session_repository.get"
    assert dict(get.attributes or {}) == {"error.type": SessionNotFoundError.code}
    assert get.status.status_code is StatusCode.ERROR
    assert get.status.description is None
    assert "secret" not in get.to_json()


@pytest.mark.parametrize("status", [404, 503])
async def test_request_continues_the_trace_of_its_caller(
    tracing: Tracing, spans: InMemorySpanExporter, status: int
) -> None:
    async def app(scope: Any, _: Any, send: Any) -> None:
        assert scope[TRACE_ID] == TRACE
        scope["path_template"] = "/api/uploads"
        await send({"type": "http.response.start", "status": status, "headers": []})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/t/secret/api/uploads",
        "query_string": b"X-Amz-Signature=secret",
        "headers": headers,
    }
    await TracedRequests(app, tracing.tracer)(scope, None, send)

    (span,) = spans.get_finished_spans()
    assert span.name == "GET /api/uploads"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert (span.attributes or {})["http.response.status_code"] == status
    assert (span.status.status_code is StatusCode.ERROR) == (status == 503)
    assert "secret" not in span.to_json()
    assert [message["status"] for message in sent] == [status]


def test_without_traces_nothing_of_the_sdk_is_imported() -> None:
    # Litestar imports the API where it is installed.
    code = """
import os, sys
os.environ.update(S3_BUCKET_NAME="bucket", DATABASE_URL="sqlite+aiosqlite:///x.db")
from multipart_upload.entrypoints.http.server import app_from_environment
app_from_environment()
wrong = ("opentelemetry.sdk", "opentelemetry.exporter", "multipart_upload.tracing.")
sys.exit(str([name for name in sys.modules if name.startswith(wrong)] or ""))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""


def test_missing_extra_is_an_error_that_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("multipart_upload.tracing.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    message = r"TRACES: needs its extra: pip install 'multipart-upload\[traces\]'"
    with pytest.raises(ValueError, match=message):
        check_adapters(traced_settings())


def test_unknown_exporter_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with pytest.raises(ValueError, match="OTEL_TRACES_EXPORTER: no installed package offers"):
        check_adapters(traced_settings())


def test_container_traces_only_if_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert Container(settings=load_settings(s3_bucket_name="bucket")).tracing() is None
    assert isinstance(Container(settings=traced_settings()).tracing(), Tracing)


def traced_settings() -> Any:
    database = "sqlite+aiosqlite:///multipart.db"
    return load_settings(s3_bucket_name="bucket", database_url=database, traces="true")
