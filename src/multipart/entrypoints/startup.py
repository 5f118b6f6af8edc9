"""Open the database and S3 at start, and retry while they are unavailable."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

from ..application.check_readiness import CheckReadiness
from ..application.task_cancellation import cancel_tasks
from ..container import Container, UseCases, open_use_cases
from ..domain.errors import RepositoryUnavailableError, UnavailableError
from ..settings import Settings
from .background_tasks import background_tasks
from .settings_summary import explain_outage

FIRST_ATTEMPT_SECONDS: Final = 5.0
"""How long the start waits for the database before the service answers 503."""
RETRY_SECONDS: Final = 1.0
REPEAT_SECONDS: Final = 30.0
"""Pause before the log repeats the same reason."""
_CLOSE_SECONDS: Final = 20.0
_logger = logging.getLogger(__name__)


class OpenUseCases:
    """Holds the use cases once the database is open, and until then the reason why it is not."""

    def __init__(self) -> None:
        self._cases: UseCases | None = None
        self._reason: UnavailableError = RepositoryUnavailableError(
            "the connection is being opened"
        )

    def get(self) -> UseCases:
        """Return the use cases. Raise UnavailableError while the database is not open."""
        if self._cases is None:
            raise self._reason.with_traceback(None)
        return self._cases

    @asynccontextmanager
    async def keep_open(self, container: Container, interval: timedelta) -> AsyncIterator[None]:
        """Open the use cases in the background, and run the background tasks once they are open.

        Enter the body when they are open, when the first attempt has failed, or after
        FIRST_ATTEMPT_SECONDS.
        """
        tried, closing = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(self._open(container, interval, tried, closing))
        trying = asyncio.create_task(tried.wait())
        try:
            await asyncio.wait(
                {task, trying}, timeout=FIRST_ATTEMPT_SECONDS, return_when="FIRST_COMPLETED"
            )
            if task.done():
                task.result()  # a bug, here or in an adapter: the start fails with it
            yield
        finally:
            closing.set()
            if self._cases is not None:
                await asyncio.wait({task}, timeout=_CLOSE_SECONDS)
            await cancel_tasks([task, trying])

    async def _open(
        self,
        container: Container,
        interval: timedelta,
        tried: asyncio.Event,
        closing: asyncio.Event,
    ) -> None:
        def note(reason: UnavailableError) -> None:
            self._reason = reason
            tried.set()

        async with (
            open_when_available(container, note) as cases,
            background_tasks(cases, interval, container.settings().webhooks),
        ):
            self._cases = cases
            tried.set()
            reporting = asyncio.create_task(
                report_readiness(cases.get(CheckReadiness), container.settings())
            )
            try:
                await closing.wait()
            finally:
                await cancel_tasks([reporting])


@asynccontextmanager
async def open_when_available(
    container: Container, on_failure: Callable[[UnavailableError], None] = lambda _: None
) -> AsyncIterator[UseCases]:
    """Open the use cases; retry while the database is unavailable or misconfigured."""
    async with AsyncExitStack() as stack:
        yield await _enter_when_available(stack, container, on_failure)


async def _enter_when_available(
    stack: AsyncExitStack, container: Container, on_failure: Callable[[UnavailableError], None]
) -> UseCases:
    outages = OutageLog(container.settings())
    while True:
        try:
            return await stack.enter_async_context(open_use_cases(container))
        except UnavailableError as exc:
            outages.log(exc)
            on_failure(exc)
        await asyncio.sleep(RETRY_SECONDS)


async def report_readiness(check_readiness: CheckReadiness, settings: Settings) -> None:
    """Log why the service is not ready, until it is ready."""
    outages = OutageLog(settings)
    while True:
        try:
            await check_readiness()
        except UnavailableError as exc:
            outages.log(exc)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            _logger.info("Ready: the database and the bucket answer.")
            return


class OutageLog:
    """Logs why the service is not ready: each new reason, and the same one every REPEAT_SECONDS."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._logged = ""
        self._logged_at = 0.0

    def log(self, reason: UnavailableError) -> None:
        """Log the reason, unless it was logged a moment ago."""
        text = explain_outage(reason, self._settings)
        if text != self._logged or time.monotonic() - self._logged_at > REPEAT_SECONDS:
            self._logged, self._logged_at = text, time.monotonic()
            _logger.warning("Not ready: %s", text)
