"""`multipart-upload dev`."""

from __future__ import annotations

import asyncio
import logging.config
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Final

import click
import uvicorn
from pydantic import SecretStr

from ...container import Container
from ...domain.errors import UploadError
from ...settings import Settings
from ..http.app import create_app
from ..http.connection import BoundedHttpProtocol
from .logs import log_config

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
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps files and sessions.  [a temporary folder]",
)
def dev(port: int, data: Path | None) -> None:
    """Serve the API and the web page on 127.0.0.1, with files in a folder and SQLite.

    No setup is needed. Without --data nothing remains when it stops. Settings from the environment
    and .env are ignored.
    """
    # Clean up after these signals as after Ctrl-C: uvicorn raises the signal again when it stops.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    _clear_settings()
    with _listen(port) as listening, _open_folder(data) as folder, suppress(KeyboardInterrupt):
        api = f"http://{_HOST}:{listening.getsockname()[1]}"
        try:
            asyncio.run(_serve(_settings(folder, api), listening, api, is_kept=data is not None))
        except UploadError as exc:
            raise click.ClickException(str(exc)) from exc


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    # As uvicorn does: a port with only closing connections is free.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
    except OSError as exc:
        listening.close()
        msg = (
            f"the API cannot listen on {_HOST}:{port}; is the port taken? "
            "Choose another with --port (make run PORT=8001)."
        )
        raise click.ClickException(msg) from exc
    return listening


@contextmanager
def _open_folder(data: Path | None) -> Iterator[Path]:
    if data is None:
        with TemporaryDirectory(prefix="multipart-upload-") as folder:
            yield Path(folder)
        return
    data.mkdir(parents=True, exist_ok=True)
    yield data.resolve()


def _clear_settings() -> None:
    """Remove the settings of production from the environment: `dev` uses none of them."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)


def _settings(folder: Path, api: str) -> Settings:
    return Settings(
        _env_file=None,
        object_store="disk",
        disk_store_path=str(folder / "objects"),
        disk_store_secret=_read_secret(folder / "secret"),
        disk_store_public_url=api,
        database_url=f"sqlite+aiosqlite:///{folder}/sessions.db",
        cors_allowed_origins="*",
        web_page=True,
    )


def _read_secret(path: Path) -> SecretStr:
    """Return the secret of the folder, so that signed URLs outlive a restart."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(token_hex(32))
    return SecretStr(path.read_text())


async def _serve(settings: Settings, listening: socket.socket, api: str, *, is_kept: bool) -> None:
    config = uvicorn.Config(
        create_app(Container(settings=settings)),
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
    banner = asyncio.create_task(_announce(server, _banner(settings, api, is_kept=is_kept)))
    await server.serve(sockets=[listening])
    banner.cancel()


async def _announce(server: uvicorn.Server, banner: str) -> None:
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.02)
    click.echo(banner)


def _banner(settings: Settings, api: str, *, is_kept: bool) -> str:
    ending = "stops" if is_kept else "stops everything and deletes all data"
    return f"""
  multipart-upload is ready.

    Web page  {api}/
    API       {api}
    OpenAPI   {api}/docs
    Files     {settings.disk_store_path}

  Upload a file on the web page, or start an upload from another terminal:

    curl {api}/api/start-upload -H "Content-Type: application/json" -d '{_START}'

  Ctrl-C {ending}.
"""
