"""`multipart-upload tokens`."""

from __future__ import annotations

from datetime import timedelta

import click

from ...application.mint_upload_token import (
    DEFAULT_TOKEN_LIFETIME,
    MAX_TOKEN_LIFETIME,
    NewUploadToken,
)
from ...credentials import create_token_minter
from ...domain.errors import UploadError, UploadTokensUnsupportedError
from ...settings import SettingsError, load_settings
from .start_log import add_misspellings


@click.group()
def tokens() -> None:
    """Make upload tokens.

    A token lets its bearer upload for one user within limits. It travels as `Authorization: Bearer
    TOKEN` or in the path, /t/TOKEN/s3 or /t/TOKEN/api. The service accepts tokens if AUTH contains
    token.
    """


@tokens.command()
@click.option("--user", required=True, help="User id that the bearer uploads as.")
@click.option(
    "--expires-in",
    "seconds",
    default=int(DEFAULT_TOKEN_LIFETIME.total_seconds()),
    show_default=True,
    type=click.IntRange(1, int(MAX_TOKEN_LIFETIME.total_seconds())),
    help="Seconds for which the token is accepted.",
)
@click.option("--max-size", type=int, help="Largest file in bytes.")
@click.option(
    "--content-type",
    "types",
    multiple=True,
    help="Type that may be declared, such as image/*; may be repeated.",
)
@click.option("--max-uploads", type=int, help="How many uploads may be started.")
@click.option("--key-prefix", default="", help="Prefix of every key, after S3_KEY_PREFIX.")
@click.option(
    "--metadata", "entries", multiple=True, help="NAME=VALUE of every object; may be repeated."
)
def create(
    user: str,
    seconds: int,
    max_size: int | None,
    types: tuple[str, ...],
    max_uploads: int | None,
    key_prefix: str,
    entries: tuple[str, ...],
) -> None:
    """Make a token and print it."""
    new = NewUploadToken(
        user_id=user,
        lifetime=timedelta(seconds=seconds),
        max_size=max_size,
        content_types=types or None,
        max_uploads=max_uploads,
        key_prefix=key_prefix,
        metadata=dict(map(_split_entry, entries)),
    )
    try:
        click.echo(create_token_minter(load_settings())(new).text)
    except SettingsError as exc:
        raise click.ClickException(add_misspellings(str(exc))) from exc
    except UploadTokensUnsupportedError as exc:
        msg = "UPLOAD_TOKEN_SECRET: is required, and AUTH must contain token"
        raise click.ClickException(msg) from exc
    except UploadError as exc:
        raise click.ClickException(str(exc)) from exc


def _split_entry(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        msg = f"--metadata {text}: must be of the form NAME=VALUE"
        raise click.ClickException(msg)
    return name, value
