"""The trace of a whole upload, from HTTP to S3 and the database, and its id in the log."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from multipart_upload.container import Container
from multipart_upload.entrypoints.cli.json_logs import JsonLine
from multipart_upload.entrypoints.http.app import create_app
from multipart_upload.entrypoints.http.server import wrap_app
from multipart_upload.settings import load_settings
from multipart_upload.tracing.tracer import Tracing
from tests.patience import PATIENCE_SECONDS

from .bucket import Bucket
from .service import running_service
from .upload import Upload, answer

pytestmark = pytest.mark.e2e
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


async def test_one_upload_is_one_trace_down_to_the_store_and_the_database(
    bucket: Bucket,
    mongo_settings: dict[str, str],
    spans: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    settings = {**bucket.settings, **mongo_settings}
    container = Container(
        settings=load_settings(**{name.lower(): value for name, value in settings.items()})
    )
    container.tracing.override(Tracing(provider))
    app = create_app(container)
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(JsonLine())
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    caplog.set_level(logging.INFO, "multipart_upload")
    logging.getLogger("multipart_upload").addHandler(handler)
    try:
        async with (
            app.lifespan(),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(wrap_app(app, container)),
                base_url="http://service",
                headers=PARENT,
            ) as api,
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as s3,
        ):
            fields = {"user_id": "zoe-user", "filename": "a.bin", "content_type": "", "size": 5}
            started = answer(await api.post("/api/start-upload", json=fields))
            identity = {name: started[name] for name in ("upload_id", "key")}
            query = {**identity, "part_number": 1}
            signed = answer(await api.get("/api/get-signed-url", params=query))
            put = await s3.put(signed["signed_url"], content=b"hello")
            part = {"user_id": "zoe-user", **query, "etag": put.headers["etag"]}
            answer(await api.post("/api/upload-part", json=part))
            reference = {"user_id": "zoe-user", **identity}
            answer(await api.post("/api/complete-upload", json=reference))
    finally:
        logging.getLogger("multipart_upload").removeHandler(handler)

    found = [span for span in spans.get_finished_spans() if trace_of(span) == TRACE]
    requests = {span.name: span for span in found if "http.route" in (span.attributes or {})}
    assert [*requests] == [
        "POST /api/start-upload",
        "GET /api/get-signed-url",
        "POST /api/upload-part",
        "POST /api/complete-upload",
    ]
    assert "object_store.create_upload" in below(requests["POST /api/start-upload"], found)
    assert "session_repository.report_parts" in below(requests["POST /api/upload-part"], found)
    completing = below(requests["POST /api/complete-upload"], found)
    assert {"object_store.list_parts", "object_store.complete_upload"} <= completing
    assert {"session_repository.get", "session_repository.save"} <= completing
    text = "".join(span.to_json() for span in found)
    # Ids of spans are hexadecimal: a secret of such letters would be found in them by chance.
    for secret in (
        "Signature",
        "zoe-user",
        *identity.values(),
        bucket.settings["AWS_ACCESS_KEY_ID"],
    ):
        assert secret not in text
    changes = [line for line in map(json.loads, lines) if "to_state" in line]
    assert len(changes) == 5
    assert {line["trace_id"] for line in changes} == {TRACE}


def test_service_exports_as_the_variables_of_opentelemetry_say(
    bucket: Bucket, tmp_path: Path
) -> None:
    settings = {**bucket.settings, "TRACES": "true", "OTEL_TRACES_EXPORTER": "console"}
    with running_service(tmp_path, settings) as service:
        with service.client(**PARENT) as api:
            Upload.start(api, user_id="zoe-user")
        service.terminate()

    assert f'"trace_id": "0x{TRACE}"' in service.log
    assert '"name": "POST /api/start-upload"' in service.log
    assert '"service.name": "multipart-upload"' in service.log


def trace_of(span: ReadableSpan) -> str:
    return f"{span.get_span_context().trace_id:032x}"  # type: ignore[union-attr]


def below(parent: ReadableSpan, spans: list[ReadableSpan]) -> set[str]:
    """Return the names of the spans directly below another."""
    wanted = parent.get_span_context().span_id  # type: ignore[union-attr]
    return {span.name for span in spans if span.parent and span.parent.span_id == wanted}
