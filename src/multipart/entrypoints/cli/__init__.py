"""The `multipart-upload` command."""

from __future__ import annotations

import click

from .adapters import adapters
from .cors import cors
from .dev import dev
from .events import events
from .keys import keys
from .migrate import migrate
from .quota import quota
from .serve import serve
from .sweep import sweep
from .tokens import tokens


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="multipart-upload")
def main() -> None:
    """Coordinate multipart uploads to S3.

    Clients PUT the bytes of a file straight to S3 on presigned URLs; this service starts the
    upload, signs the parts, records them, and completes or aborts the upload.

    To try it without a database or a bucket, run `multipart-upload dev`.
    To serve a real bucket, set environment variables (see `multipart-upload serve --help`).
    """


main.add_command(serve)
main.add_command(dev)
main.add_command(sweep)
main.add_command(migrate)
main.add_command(keys)
main.add_command(tokens)
main.add_command(quota)
main.add_command(events)
main.add_command(adapters)
main.add_command(cors)
