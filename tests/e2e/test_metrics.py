"""Prometheus metrics of running services."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.mongodb_kinds import free_port

from .bucket import Bucket
from .service import Service, run_command, running_service
from .upload import Upload, answer

METRICS = {"METRICS": "true"}


def read_metrics(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(service: Service, **headers: str) -> str:
    with service.client(**headers) as client:
        response = client.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain; version=")
    return response.text


def value(text: str, name: str, **labels: str) -> float:
    return read_metrics(text).get((name, frozenset(labels.items())), 0.0)


def upload_file(api: httpx.Client, parts: int = 1) -> Upload:
    upload = Upload.start(api)
    for number in range(1, parts + 1):
        upload.send(number, b"x" * (5 * 1024 * 1024 if number < parts else 10))
    answer(upload.complete())
    return upload


@pytest.mark.e2e
def test_counters_equal_what_was_done(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, **METRICS}
    with running_service(tmp_path, settings) as service, service.client() as api:
        uploads = [upload_file(api, parts=2), upload_file(api)]
        aborted = Upload.start(api)
        answer(aborted.abort())
        assert api.get("/api/no-such-route/42").status_code == 404
        text = scrape(service)

    def transitions(from_state: str, to_state: str) -> float:
        labels = {"from_state": from_state, "to_state": to_state}
        return value(text, "multipart_transitions_total", **labels)

    assert transitions("new", "pending") == 3
    assert transitions("pending", "initiated") == 3
    assert transitions("initiated", "in-progress") == 2
    assert transitions("in-progress", "completing") == 2
    assert transitions("completing", "completed") == 2
    assert transitions("initiated", "aborting") == 1
    assert transitions("aborting", "aborted") == 1
    assert value(text, "multipart_parts_recorded_total", source="client") == 3
    assert value(text, "multipart_urls_signed_total", kind="part") == 3
    assert value(text, "multipart_complete_seconds_count") == 2
    assert value(text, "multipart_lease_takeovers_total") == 0
    done = {"port": "object_store", "operation": "complete_upload", "outcome": "ok"}
    assert value(text, "multipart_port_call_seconds_count", **done) == 2
    route = {"method": "POST", "route": "/api/complete-upload", "status": "200"}
    assert value(text, "multipart_requests_total", **route) == 2
    unknown = {"method": "GET", "route": "unmatched", "status": "404"}
    assert value(text, "multipart_requests_total", **unknown) == 1
    assert "no-such-route" not in text
    for upload in [*uploads, aborted]:
        for secret in (upload.user_id, upload.key, upload.identity["upload_id"]):
            assert secret not in text


@pytest.mark.e2e
def test_workers_add_up(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, **METRICS, "TMPDIR": str(tmp_path)}
    with running_service(tmp_path, settings, "--workers", "2") as service:
        for _ in range(6):
            # A connection each, so that both workers have some.
            with service.client() as api:
                Upload.start(api)
        text = scrape(service)
        assert list(tmp_path.glob("multipart-metrics-*"))
        service.terminate()

    labels = {"from_state": "pending", "to_state": "initiated"}
    assert value(text, "multipart_transitions_total", **labels) == 6
    assert not list(tmp_path.glob("multipart-metrics-*"))


@pytest.mark.e2e
def test_own_port_serves_the_metrics_and_the_main_port_does_not(
    bucket: Bucket, tmp_path: Path
) -> None:
    port = free_port()
    settings = {
        **bucket.settings,
        **METRICS,
        "METRICS_PORT": str(port),
        "TMPDIR": str(tmp_path),
    }
    with running_service(tmp_path, settings) as service:
        with service.client() as api:
            Upload.start(api)
            assert api.get("/metrics").status_code == 404
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        service.terminate()

    labels = {"from_state": "pending", "to_state": "initiated"}
    assert value(text, "multipart_transitions_total", **labels) == 1
    assert not list(tmp_path.glob("multipart-metrics-*"))


@pytest.mark.e2e
def test_taken_port_is_one_line_and_not_a_traceback(bucket: Bucket, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = {**bucket.settings, **METRICS, "METRICS_PORT": str(port)}
        settings["TMPDIR"] = str(tmp_path)
        done = run_command(tmp_path, settings, "serve", "--port", "0")

    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if "METRICS_PORT" in line]
    assert error.startswith(f"Error: METRICS_PORT: cannot listen on 127.0.0.1:{port}: ")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("multipart-metrics-*"))


@pytest.mark.e2e
def test_without_metrics_there_is_no_route(service: Service) -> None:
    with service.client() as api:
        assert api.get("/metrics").status_code == 404


@pytest.mark.e2e
def test_callers_need_the_scope_operate(bucket: Bucket, tmp_path: Path) -> None:
    settings = {**bucket.settings, **METRICS, "AUTH": "api-key"}

    def create_key(*options: str) -> Mapping[str, str]:
        done = run_command(tmp_path, settings, "keys", "create", "--user", "ada", *options)
        return {"X-API-Key": done.stdout.split()[-1]}

    uploader, operator = create_key(), create_key("--scope", "operate")
    with running_service(tmp_path, settings) as service:
        assert "multipart_requests_total" in scrape(service, **operator)
        with service.client() as api:
            assert api.get("/metrics").status_code == 401
            assert api.get("/metrics", headers=dict(uploader)).status_code == 403
