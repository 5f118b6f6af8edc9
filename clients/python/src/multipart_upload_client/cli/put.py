"""`mpu put`: upload files, folders, patterns or standard input."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from ..async_client import DEFAULT_PARALLEL, AsyncClient
from ..errors import UploadError
from ..models import UploadOptions
from .inputs import Input, expand
from .options import Rate, service_options
from .reports import JsonReport, LiveReport, QuietReport, Report

INTERRUPTED: Final = 130
"""The exit code of a shell for a command that Ctrl-C has ended: 128 and the signal's number."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Uploads files, several at once. One that fails does not stop the others."""

    client: AsyncClient
    report: Report
    at_once: asyncio.Semaphore
    resume: bool
    stdin_name: str

    async def upload(self, files: Sequence[Input]) -> bool:
        """Return whether all files were uploaded."""
        return all(await asyncio.gather(*map(self._upload, files)))

    async def _upload(self, file: Input) -> bool:
        async with self.at_once:
            try:
                result = await self.client.upload(file.open(), **self._options(file))
            except (UploadError, OSError) as exc:
                self.report.fail(file, exc)
                return False
            self.report.complete(file, result)
            return True

    def _options(self, file: Input) -> UploadOptions:
        options = UploadOptions(
            on_started=lambda reference: self.report.start(file, reference),
            on_progress=lambda progress: self.report.advance(file, progress),
            resume=self.resume,
            abort_on_cancel=False,
        )
        if file.path is None:
            options["filename"] = self.stdin_name
        return options


@click.command()
@click.argument("arguments", metavar="FILE...", nargs=-1, required=True)
@service_options
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for every event.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@click.option("--no-resume", is_flag=True, help="Discard the unfinished upload of an earlier run.")
@click.option("--no-checksums", is_flag=True, help="Do not prove that the bytes arrived.")
@click.option(
    "--parallel",
    type=click.IntRange(min=1),
    default=DEFAULT_PARALLEL,
    show_default=True,
    help="The most parts to send at once, of all files together.",
)
@click.option("--limit-rate", type=Rate(), help="Bytes per second, such as 500K or 2.5M.")
@click.option("--name", default="stdin", show_default=True, help="File name of standard input.")
@click.option(
    "--state-folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="MPU_STATE_FOLDER",
    show_envvar=True,
    help="Where unfinished uploads are saved.  [default: ~/.local/state/mpu]",
)
def put(
    arguments: tuple[str, ...],
    open_client: Callable[..., AsyncClient],
    name: str,
    state_folder: Path | None,
    parallel: int,
    limit_rate: float | None,
    *,
    as_json: bool,
    quiet: bool,
    no_resume: bool,
    no_checksums: bool,
) -> None:
    """Upload files, folders, patterns such as 'logs/**/*.gz', or standard input (-).

    Ctrl-C pauses: the same command resumes where it stopped, days later too. Exits with 0 when all
    files were uploaded, 1 when some were not, 2 for wrong options, and 130 when paused.
    """
    files = expand(arguments)
    if not files:
        msg = "there are no files in what was named"
        raise click.UsageError(msg)

    async def run(report: Report) -> bool:
        async with open_client(
            parallel=parallel,
            limit_rate=limit_rate,
            **({"checksums": False} if no_checksums else {}),
            state_folder=state_folder or default_state_folder(),
        ) as client:
            at_once = asyncio.Semaphore(parallel)
            batch = Batch(client, report, at_once, not no_resume, name)
            return await batch.upload(files)

    with _open_report(files, as_json=as_json, is_quiet=quiet) as report:
        try:
            succeeded = asyncio.run(run(report))
        except KeyboardInterrupt:
            report.pause()
            sys.exit(INTERRUPTED)
    sys.exit(0 if succeeded else 1)


def default_state_folder() -> Path:
    """Return the folder for state of the XDG Base Directory Specification."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "mpu"


@contextmanager
def _open_report(files: Sequence[Input], *, as_json: bool, is_quiet: bool) -> Iterator[Any]:
    if as_json:
        yield JsonReport()
    elif is_quiet:
        yield QuietReport()
    else:
        with LiveReport.open(files) as report:
            yield report
