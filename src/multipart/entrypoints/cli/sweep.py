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

from ...application.sweep.sweep_uploads import BEGINNING
from ...application.task_cancellation import cancel_tasks
from ...container import Container, check_adapters, use_cases
from ...domain.errors import UnavailableError, UploadError
from ...settings import Settings, SettingsError, load_settings
from ..background_tasks import sweep_periodically
from ..opening import use_cases_when_available
from ..places import explain
from ..sweep_summary import lines
from .logs import log_config
from .start_log import with_misspellings

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")


class Duration(click.ParamType[timedelta]):
    """A time span such as 90s, 15m, 12h or 7d."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read it."""
        if (found := _DURATION.fullmatch(str(value))) is None:
            self.fail(f"{value!r} is not of the form 90s, 15m, 12h or 7d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command()
@click.option("--once", is_flag=True, help="Make one pass and end.")
@click.option("--dry-run", is_flag=True, help="Make one pass that changes nothing.")
@click.option(
    "--older-than",
    type=Duration(),
    help="Take only what has been due for longer, such as 15m or 2d.  [SWEEP_GRACE_SECONDS]",
)
def sweep(*, once: bool, dry_run: bool, older_than: timedelta | None) -> None:
    """End stale uploads, repair interrupted ones, and tell what S3 holds beside.

    `serve` does this by itself, every SWEEP_INTERVAL_SECONDS; any number of processes may.
    Settings are those of `serve`. An upload is due when nobody has touched it for
    UPLOAD_EXPIRY_SECONDS, or when whoever was starting, completing or aborting it has died.

    One pass ends with 0, or with 1 if something could not be looked at. Without --once or
    --dry-run it goes on, every SWEEP_INTERVAL_SECONDS, until SIGTERM or Ctrl-C.
    """
    try:
        settings = load_settings()
        check_adapters(settings)
    except (SettingsError, ValueError) as exc:
        raise click.ClickException(with_misspellings(str(exc))) from exc
    if older_than is not None:
        grace = int(older_than.total_seconds())
        settings = settings.model_copy(update={"sweep_grace_seconds": grace})
    logging.config.dictConfig(log_config(settings.log_level))
    try:
        if once or dry_run:
            raise SystemExit(0 if asyncio.run(_swept_once(settings, dry_run=dry_run)) else 1)
        asyncio.run(_sweep_for_ever(settings))
    except UnavailableError as exc:
        msg = f"{exc} {explain(exc, settings)}"
        raise click.ClickException(msg) from exc
    except UploadError as exc:
        raise click.ClickException(str(exc)) from exc


async def _swept_once(settings: Settings, *, dry_run: bool) -> bool:
    """Look at everything once; tell whether all of it could be looked at."""
    async with use_cases(Container(settings=settings)) as cases:
        position, is_complete = BEGINNING, True
        while True:
            report = await cases.sweep_uploads(dry_run=dry_run, position=position)
            for line in lines(report):
                click.echo(line)
            is_complete = is_complete and report.is_complete
            if report.next_position is None or not report.is_worth_continuing:
                return is_complete and report.next_position is None
            position = report.next_position


async def _sweep_for_ever(settings: Settings) -> None:
    if not settings.sweep_interval_seconds:
        msg = "SWEEP_INTERVAL_SECONDS: is 0; give an interval, or --once"
        raise click.ClickException(msg)
    interval = timedelta(seconds=settings.sweep_interval_seconds)
    signalled = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, signalled.set)
    ending = asyncio.create_task(signalled.wait())
    async with AsyncExitStack() as stack:
        available = use_cases_when_available(Container(settings=settings))
        opening = asyncio.create_task(stack.enter_async_context(available))
        await asyncio.wait({opening, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            await cancel_tasks([opening])
            return
        sweeping = asyncio.create_task(sweep_periodically(opening.result().sweep_uploads, interval))
        await ending
        # A pass that is cut short gives back what it has claimed.
        await cancel_tasks([sweeping])
