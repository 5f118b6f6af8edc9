"""`multipart-upload cors`."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import click

from ...domain.errors import UploadError
from ...s3_bucket import apply_cors_rule, check_cors_rule
from ...settings import Settings, SettingsError, load_settings
from ..terminal import escape_unprintable

T = TypeVar("T")

_SETTINGS: Final = "The settings are those of `serve`. The credentials need {actions} on BUCKET."
_origin = click.option(
    "--origin",
    "origins",
    multiple=True,
    help="Origin of the pages, such as https://app.example.org; may be repeated.  "
    "[CORS_ALLOWED_ORIGINS]",
)


@click.group()
def cors() -> None:
    """Write or check the CORS rule that lets browsers use a bucket.

    Pages PUT parts and POST files straight to the bucket. The bucket must allow this for their
    origin, with the header Content-Type, and expose the headers ETag and Location of the answer.
    """


@cors.command(epilog=_SETTINGS.format(actions="s3:GetBucketCORS and s3:PutBucketCORS"))
@click.argument("bucket")
@_origin
def apply(bucket: str, origins: tuple[str, ...]) -> None:
    """Add the rule before the other rules of BUCKET, which remain.

    The exit code is 0, or 1 if S3 refuses.
    """
    settings = _settings(bucket, origins)
    _run(apply_cors_rule(settings, settings.allowed_origins))
    click.echo(f"Pages of {', '.join(settings.allowed_origins)} may use the bucket {bucket}.")


@cors.command(epilog=_SETTINGS.format(actions="s3:GetBucketCORS and s3:PutObject"))
@click.argument("bucket")
@_origin
def check(bucket: str, origins: tuple[str, ...]) -> None:
    """Report what pages of these origins cannot do with BUCKET.

    Sends the same requests as a browser, to the URL that browsers use, and reads the rules of
    BUCKET. To test a PUT it starts an upload and aborts it.

    The exit code is 0 if pages can do everything they need, 1 if not or if it is unknown.
    """
    settings = _settings(bucket, origins)
    report = _run(check_cors_rule(settings, settings.allowed_origins))
    for line in (*report.notes, *report.problems, *([report.hint] if report.hint else [])):
        click.echo(escape_unprintable(line))
    if report.is_rule_missing:
        named = "".join(f" --origin {shlex.quote(origin)}" for origin in origins)
        click.echo(f"To add the rule: multipart-upload cors apply {shlex.quote(bucket)}{named}")
    if report.problems:
        raise SystemExit(1)
    click.echo(f"Pages of {', '.join(settings.allowed_origins)} can use the bucket {bucket}.")


def _settings(bucket: str, origins: tuple[str, ...]) -> Settings:
    given = {"cors_allowed_origins": ",".join(origins)} if origins else {}
    try:
        settings = load_settings(s3_bucket_name=bucket, **given)
    except SettingsError as exc:
        raise click.ClickException(str(exc)) from exc
    if not settings.allowed_origins:
        msg = "No origin: use --origin or set CORS_ALLOWED_ORIGINS."
        raise click.UsageError(msg)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except UploadError as exc:
        raise click.ClickException(escape_unprintable(str(exc))) from exc
