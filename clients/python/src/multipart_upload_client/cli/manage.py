"""`mpu list`, `mpu status` and `mpu abort`: one's uploads in the service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.filesize import decimal

from ..async_client import AsyncClient
from ..errors import UploadError
from ..models import UploadReference, UploadStatus, UploadSummary
from .options import service_options
from .reports import describe

_as_json = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON each.")
_STATES = [
    "pending",
    "initiated",
    "in-progress",
    "completing",
    "completed",
    "aborting",
    "aborted",
    "expired",
]


@click.command("list")
@service_options
@click.option(
    "--status", "states", multiple=True, type=click.Choice(_STATES), help="May be repeated."
)
@_as_json
def list_uploads(
    open_client: Callable[..., AsyncClient], states: tuple[str, ...], *, as_json: bool
) -> None:
    """List uploads, newest first."""

    async def run() -> None:
        async with open_client() as client:
            async for upload in client.uploads(states):
                click.echo(_to_json(upload) if as_json else _to_line(upload))

    _run(run())


@click.command()
@click.argument("upload_id")
@service_options
@_as_json
def status(upload_id: str, open_client: Callable[..., AsyncClient], *, as_json: bool) -> None:
    """Show an upload, and what of it has arrived."""

    async def run() -> None:
        async with open_client() as client:
            found = await client.status(await _find(client, upload_id))
            click.echo(_to_json(found) if as_json else _to_lines(found))

    _run(run())


@click.command()
@click.argument("upload_ids", metavar="UPLOAD_ID...", nargs=-1, required=True)
@service_options
def abort(upload_ids: tuple[str, ...], open_client: Callable[..., AsyncClient]) -> None:
    """Discard uploads and their parts."""

    async def run() -> None:
        async with open_client() as client:
            for upload_id in upload_ids:
                await client.abort(await _find(client, upload_id))
                click.echo(f"{upload_id}  aborted")

    _run(run())


async def _find(client: AsyncClient, upload_id: str) -> UploadReference:
    """Find the key of an upload, which the service requires, among the user's uploads."""
    async for upload in client.uploads():
        if upload.upload_id == upload_id:
            return upload.reference
    msg = f"You have no upload {upload_id}."
    raise click.ClickException(msg)


def _run(command: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(command)
    except UploadError as exc:
        raise click.ClickException(describe(exc)) from None


def _to_json(upload: UploadSummary) -> str:
    return json.dumps(asdict(upload), default=datetime.isoformat)


def _to_line(upload: UploadSummary) -> str:
    size = "-" if upload.size is None else decimal(upload.size)
    return (
        f"{upload.upload_id}  {upload.status:<11}  {size:>9}"
        f"  {upload.created_at:%Y-%m-%d %H:%M}  {upload.filename}"
    )


def _to_lines(upload: UploadStatus) -> str:
    size = "unknown" if upload.size is None else decimal(upload.size)
    parts = "" if upload.part_count is None else f" of {upload.part_count}"
    shown = {
        "file": upload.filename,
        "status": upload.status,
        "size": size,
        "parts": f"{upload.parts_verified}{parts}, {decimal(upload.bytes_verified)}",
        "started": f"{upload.created_at:%Y-%m-%d %H:%M %Z}",
        "expires": f"{upload.expires_at:%Y-%m-%d %H:%M %Z}",
        "key": upload.key,
        "location": upload.location or "-",
    }
    return "\n".join(f"{name:<9} {value}" for name, value in shown.items())
