"""Run a command on the session database, and explain what is wrong with it."""

from __future__ import annotations

import asyncio
import logging.config
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import click

from ...domain.errors import UnavailableError, UploadError
from ...settings import Settings, SettingsError, load_settings
from ..settings_summary import explain_outage
from .logs import log_config
from .start_log import add_misspellings

Cases = TypeVar("Cases")
T = TypeVar("T")


def work_on_database(
    open_cases: Callable[[Settings], AbstractAsyncContextManager[Cases]],
    work: Callable[[Cases], Awaitable[T]],
) -> T:
    """Load the settings, open the use cases, and return what the work returns.

    Raise ClickException for wrong settings, an outage, or an error of a use case.
    """

    async def run() -> T:
        async with open_cases(settings) as cases:
            return await work(cases)

    try:
        settings = load_settings()
    except SettingsError as exc:
        raise click.ClickException(add_misspellings(str(exc))) from exc
    logging.config.dictConfig(log_config("WARNING"))
    try:
        return asyncio.run(run())
    except ValueError as exc:
        raise click.ClickException(add_misspellings(str(exc))) from exc
    except UnavailableError as exc:
        raise click.ClickException(explain_outage(exc, settings)) from exc
    except UploadError as exc:
        raise click.ClickException(str(exc)) from exc
