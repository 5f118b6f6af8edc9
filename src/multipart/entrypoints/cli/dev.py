"""`multipart-upload dev`."""

from __future__ import annotations

import asyncio
import logging.config
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import uvicorn

from ...container import Container
from ...domain.errors import UploadError
from ...s3_bucket import make_bucket
from ...settings import Settings
from ..http.app import create_app
from ..http.connection import BoundedHttpProtocol
from .emulator import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Emulator, EmulatorError, run_emulator
from .logs import log_config

_BUCKET: Final = "uploads"
_HOST: Final = "127.0.0.1"
_START: Final = '{"user_id": "me", "filename": "hello.txt", "content_type": "text/plain"}'


@click.command()
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the API and the web page.",
)
@click.option(
    "--s3-port",
    default=9000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the S3 emulator.",
)
def dev(port: int, s3_port: int) -> None:
    """Serve the API and the web page on 127.0.0.1, with an S3 emulator and SQLite.

    No setup is needed, and nothing remains when it stops: sessions and objects are in a temporary
    folder. The emulator (pip install '.[emulator]') is moto, which does not check signatures and
    assembles objects in memory, so a large file needs as much RAM. The variables AWS_* and .env are
    ignored.
    """
    # Clean up after these signals as after Ctrl-C: uvicorn raises the signal again when it stops.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    _clear_aws_environment()
    _require_free(port)
    with TemporaryDirectory(prefix="multipart-upload-") as folder, suppress(KeyboardInterrupt):
        try:
            with run_emulator(_HOST, s3_port) as emulator:
                asyncio.run(_serve(_settings(emulator, Path(folder)), port))
        except (EmulatorError, UploadError) as exc:
            raise click.ClickException(str(exc)) from exc


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As uvicorn does: a port with only closing connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as exc:
            msg = (
                f"the API cannot listen on {_HOST}:{port}; is the port taken? "
                "Choose another with --port (make run PORT=8001)."
            )
            raise click.ClickException(msg) from exc


def _clear_aws_environment() -> None:
    """Remove variables for AWS and proxies, which would change requests to the emulator."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = _HOST


def _settings(emulator: Emulator, folder: Path) -> Settings:
    # Independent of the environment: `dev` never uses a real bucket or database.
    return Settings(
        _env_file=None,
        aws_region="us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        aws_session_token=None,
        s3_bucket_name=_BUCKET,
        s3_endpoint_url=emulator.url,
        s3_public_endpoint_url=None,
        session_repository=None,
        object_store="s3",
        mongo_uri=None,
        database_url=f"sqlite+aiosqlite:///{folder}/sessions.db",
        cors_allowed_origins="*",
        web_page=True,
    )


async def _serve(settings: Settings, port: int) -> None:
    await make_bucket(settings, ["*"])
    config = uvicorn.Config(
        create_app(Container(settings=settings)),
        host=_HOST,
        port=port,
        http=BoundedHttpProtocol,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=5,
        log_config=log_config("WARNING"),
    )
    logging.config.dictConfig(log_config("WARNING"))
    server = uvicorn.Server(config)
    # uvicorn handles SIGINT and SIGTERM; a KeyboardInterrupt by SIGHUP could hit any callback.
    asyncio.get_running_loop().add_signal_handler(
        signal.SIGHUP, server.handle_exit, signal.SIGHUP, None
    )
    banner = asyncio.create_task(_announce(server, settings))
    await server.serve()
    banner.cancel()


async def _announce(server: uvicorn.Server, settings: Settings) -> None:
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    click.echo(_banner(f"http://{_HOST}:{port}", settings))


def _banner(api: str, settings: Settings) -> str:
    return f"""
  multipart-upload is ready.

    Web page     {api}/
    API          {api}
    OpenAPI      {api}/docs
    S3 emulator  {settings.s3_endpoint_url}   bucket {_BUCKET}
    credentials  {ACCESS_KEY_ID} / {SECRET_ACCESS_KEY}

  Upload a file on the web page, or start an upload from another terminal:

    curl {api}/api/start-upload -H "Content-Type: application/json" -d '{_START}'

  Ctrl-C stops everything and deletes all data.
"""
