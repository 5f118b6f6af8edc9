"""The command `mpu`: upload from a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .manage import abort, list_uploads, status
from .put import put


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="multipart-upload-client")
def main() -> None:
    """Upload files of any size through a multipart-upload service."""


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes the options of mpu.

    For bash: eval "$(mpu completion bash)"
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  # for mypy: click knows these shells
    click.echo(found(main, {}, "mpu", "_MPU_COMPLETE").source())


for command in (put, list_uploads, status, abort):
    main.add_command(command)
