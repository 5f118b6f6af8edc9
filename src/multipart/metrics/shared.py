"""The folder in which worker processes share their metrics, and a port of its own for them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Variable that names the folder; prometheus_client reads it when it is imported."""


class MetricsPortError(Exception):
    """The port for metrics is taken, or the host is no address of this machine."""


@contextmanager
def share_metrics(host: str, port: int | None) -> Iterator[None]:
    """Make the folder, and remove it at the end; serve its metrics on a port if one is given.

    Raise MetricsPortError if the service cannot listen on that port.
    """
    # uvicorn raises SIGTERM again once it has stopped, which would skip the removal.
    signal.signal(signal.SIGTERM, _exit)
    with TemporaryDirectory(prefix="multipart-metrics-") as folder:
        os.environ[DIRECTORY] = folder
        if port is not None:
            _serve(host, port)
        yield


def _serve(host: str, port: int) -> None:
    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415  # see above
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    try:
        start_http_server(port, host, registry)
    except OSError as exc:
        msg = f"METRICS_PORT: cannot listen on {host}:{port}: {exc.strerror or exc}"
        raise MetricsPortError(msg) from exc


def _exit(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)
