"""`multipart-upload sweep`."""

from __future__ import annotations

import asyncio
import logging.config
import re
import signal
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

import click

from ...application.sweep.sweep_uploads import BEGINNING, SweepUploads
from ...application.task_cancellation import cancel_tasks
from ...container import Container, check_adapters, open_use_cases
from ...domain.errors import UnavailableError, UploadError
from ...settings import Settings, SettingsError, load_settings
from ..background_tasks import sweep_periodically
from ..settings_summary import explain_outage
from ..startup import open_when_available
from ..sweep_summary import format_report
from .logs import log_config
from .start_log import add_misspellings

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")


class Duration(click.ParamType[timedelta]):
    """A time span such as 90s, 15m, 12h or 7d."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Parse the text of a command-line option."""
        if (found := _DURATION.fullmatch(str(value))) is None:
            self.fail(f"{value!r} is not of the form 90s, 15m, 12h or 7d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command()
@click.option("--once", is_flag=True, help="Sweep once and exit.")
@click.option(
    "--dry-run", is_flag=True, help="Sweep once, report what would be done, and change nothing."
)
@click.option(
    "--older-than",
    type=Duration(),
    help="Act only on uploads that are overdue for longer than this, such as 15m or 2d.  "
    "[SWEEP_GRACE_SECONDS]",
)
def sweep(*, once: bool, dry_run: bool, older_than: timedelta | None) -> None:
    """Expire stale uploads, repair interrupted ones, and report unknown uploads in S3.

    `serve` does this every SWEEP_INTERVAL_SECONDS; any number of processes may sweep at the same
    time. The settings are those of `serve`. The sweep acts on an upload that is idle past
    UPLOAD_EXPIRY_SECONDS or open past MAX_UPLOAD_AGE_SECONDS, and on one whose start, complete or
    abort was interrupted.

    With --once or --dry-run the exit code is 0, or 1 if the sweep could not check everything.
    Without them the command sweeps every SWEEP_INTERVAL_SECONDS until SIGTERM or Ctrl-C.
    """
    try:
        settings = load_settings()
        check_adapters(settings)
    except (SettingsError, ValueError) as exc:
        raise click.ClickException(add_misspellings(str(exc))) from exc
    if older_than is not None:
        grace = int(older_than.total_seconds())
        settings = settings.model_copy(update={"sweep_grace_seconds": grace})
    logging.config.dictConfig(log_config(settings.log_level, settings.log_format))
    try:
        if once or dry_run:
            raise SystemExit(0 if asyncio.run(_sweep_once(settings, dry_run=dry_run)) else 1)
        asyncio.run(_sweep_until_signalled(settings))
    except UnavailableError as exc:
        msg = f"{exc} {explain_outage(exc, settings)}"
        raise click.ClickException(msg) from exc
    except UploadError as exc:
        raise click.ClickException(str(exc)) from exc


async def _sweep_once(settings: Settings, *, dry_run: bool) -> bool:
    """Sweep everything once, and return whether all of it could be checked."""
    async with open_use_cases(Container(settings=settings)) as cases:
        sweep_uploads = cases.get(SweepUploads)
        position, is_complete = BEGINNING, True
        while True:
            report = await sweep_uploads(dry_run=dry_run, position=position)
            for line in format_report(report):
                click.echo(line)
            is_complete = is_complete and report.is_complete
            if report.next_position is None or not report.is_worth_continuing:
                return is_complete and report.next_position is None
            position = report.next_position


async def _sweep_until_signalled(settings: Settings) -> None:
    if not settings.sweep_interval_seconds:
        msg = "SWEEP_INTERVAL_SECONDS: is 0; set an interval or use --once"
        raise click.ClickException(msg)
    interval = timedelta(seconds=settings.sweep_interval_seconds)
    signalled = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, signalled.set)
    ending = asyncio.create_task(signalled.wait())
    async with AsyncExitStack() as stack:
        opened = open_when_available(Container(settings=settings))
        opening = asyncio.create_task(stack.enter_async_context(opened))
        await asyncio.wait({opening, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            await cancel_tasks([opening])
            return
        sweeping = asyncio.create_task(
            sweep_periodically(opening.result().get(SweepUploads), interval)
        )
        await ending
        # A cancelled pass releases its leases.
        await cancel_tasks([sweeping])
