"""`multipart-upload serve`."""

from __future__ import annotations

import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import uvicorn

from ...container import check_adapters
from ...metrics.shared import MetricsPortError, share_metrics
from ...settings import Settings, SettingsError, load_settings
from ...settings.values import is_loopback
from ..http.connection import MAX_CONNECTIONS, BoundedHttpProtocol
from .logs import log_config
from .open_files import allow_open_files
from .start_log import add_misspellings, log_start

_FACTORY: Final = "multipart_upload.entrypoints.http.server:app_from_environment"
_PACKAGE: Final = Path(__file__).resolve().parents[2]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    envvar="PORT",
    show_envvar=True,
    type=click.IntRange(0, 65535),
    help="Port.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Worker processes. Like replicas, they share only the database.",
)
@click.option("--reload", is_flag=True, help="Restart when the code changes; one worker.")
@click.option("--access-log", is_flag=True, help="Log a line for every request.")
@click.option(
    "--grace",
    default=30,
    show_default=True,
    type=click.IntRange(0, 3600),
    help="Seconds for running requests to finish after SIGTERM.",
)
@click.option(
    "--max-connections",
    default=MAX_CONNECTIONS,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Open connections per worker; beyond that a new one replaces an idle one.",
)
def serve(
    host: str,
    port: int,
    workers: int,
    grace: int,
    max_connections: int,
    *,
    reload: bool,
    access_log: bool,
) -> None:
    """Serve the REST interface for a bucket and a database.

    \b
    Settings come from the environment or .env. The most important ones:
      S3_BUCKET_NAME         the bucket (required)
      AWS_REGION             its region                       [us-east-1]
      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY                [the usual AWS chain]
      S3_ENDPOINT_URL        a store other than AWS
      MONGO_URI              the session database, or DATABASE_URL (one is required)
      AUTH                   how callers are authenticated (required with another --host)
      WEB_PAGE               true: serve the upload page at / [false]
    .env.example describes all of them.
    """  # noqa: D301  # click needs the control character
    try:
        settings = load_settings()
        check_adapters(settings)
        check_exposure(settings, host)
    except (SettingsError, ValueError) as exc:
        raise click.ClickException(add_misspellings(str(exc))) from exc
    logging.config.dictConfig(log_config(settings.log_level, settings.log_format))
    log_start(settings)
    allow_open_files(max_connections)
    with _shared_metrics(settings, host, workers):
        uvicorn.run(
            _FACTORY,
            factory=True,
            host=host,
            port=port,
            workers=workers,
            reload=reload,
            reload_dirs=[str(_PACKAGE)] if reload else None,
            loop="uvloop",
            http=BoundedHttpProtocol,
            limit_concurrency=max_connections,
            ws="none",
            # TrustedProxies does it.
            proxy_headers=False,
            access_log=access_log,
            server_header=False,
            timeout_graceful_shutdown=grace,
            log_config=log_config(settings.log_level, settings.log_format),
        )


@contextmanager
def _shared_metrics(settings: Settings, host: str, workers: int) -> Iterator[None]:
    """Share metrics between processes if more than one needs them."""
    if not settings.metrics or (workers == 1 and settings.metrics_port is None):
        yield
        return
    try:
        with share_metrics(host, settings.metrics_port):
            yield
    except MetricsPortError as exc:
        raise click.ClickException(str(exc)) from exc


def check_exposure(settings: Settings, host: str) -> None:
    """Raise ValueError if other machines could call the service and AUTH is not set."""
    if settings.auth is None and not is_loopback(host):
        msg = (
            f"AUTH: is required with --host {host}; name how callers are authenticated, or "
            "AUTH=none if a proxy does it or every request may name any user"
        )
        raise ValueError(msg)
